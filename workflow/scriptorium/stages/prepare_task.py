"""Turn a raw data set into a labelled task with fixed train, validation and test splits.

inputs: raw = resources/<dataset>/manifest.json
out: `results/data/<task>/{train,validation,test}.parquet`
(id: str, text: str, text_b: str or null, label: int64, float64, or one per word: list of int64, list of measures, or
answers {text, start}; multiple choice has options and part too: docs/tasks.md),
`baselines.json` where there are any: what simple predictors reach on test; for gaze also `scaler.json`
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.kinds import KIND, LABELS, Kind
from scriptorium.spec import Spec


class TaskDataSpec(Spec):
    """What a task's data are made of."""

    task: str = Field(description="name of the task")
    reader: str = Field(description="a reader of data/tasks")
    options: dict[str, str | int | float | bool] = Field(default_factory=dict, description="settings of that reader")
    kind: Kind = Field(description=KIND)
    labels: tuple[str, ...] = Field((), description=LABELS)
    limits: dict[Literal["train", "validation", "test"], int] = Field(
        description="largest number of examples per split"
    )
    split_seed: int = Field(0, description="seed of the split, where the source brings none")
    validation_share: float = Field(
        0.1, gt=0, le=0.15, description="share of train that becomes validation, where the source has train and test"
    )


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import tasks

    return tasks.prepare(job.spec, job.input("raw"), job.out, job.ledger)


if __name__ == "__main__":
    stage.main(TaskDataSpec, run)
