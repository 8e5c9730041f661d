"""Give every word of an annotated data set its stage-1 scores, by the trained gaze regressor.

inputs: features = manifest of results/annotations/features/<dataset>, regressor, embeddings (manifests)
outputs: annotations = results/annotations/<dataset>.parquet (the features' columns, the scores, predicted n_fix)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class ScoreSpec(Spec):
    """Nothing to set: the regressor is an input."""


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(ScoreSpec, run)
