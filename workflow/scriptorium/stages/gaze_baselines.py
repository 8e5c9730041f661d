"""The baselines that stage 1 is measured against, on the same folds: mean, word length alone, gradient boosting.

inputs: words.<corpus>, features.<corpus> · out: `predictions.parquet`, `metrics.json`
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class GazeBaselineSpec(Spec):
    """Folds and seed, equal to the regressor's."""

    folds: int = Field(6, gt=1, description="cross-validation folds; a paragraph is never split")
    seed: int = Field(0, ge=0, description="of the folds and of the boosting")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(GazeBaselineSpec, run)
