"""Table and figure of stage 1: the gaze regressor beside its baselines.

inputs: regressor (manifests of all seeds), baselines · outputs: table, figure
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateGazeSpec(Spec):
    """Nothing to set."""


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(TabulateGazeSpec, run)
