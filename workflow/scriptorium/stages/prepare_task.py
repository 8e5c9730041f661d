"""Turn a raw data set into a labelled task with fixed train, validation and test splits.

inputs: raw = resources/<dataset>/manifest.json; translations = the same of files of translations, if there are any
out: `results/data/<task>/{train,validation,test}.parquet`
(id: str, text: str, text_b: str or null, label: int64, float64, or one per word: list of int64, list of measures, or
answers {text, start}; multiple choice has options and part too, and a task with translations those: docs/tasks.md),
`baselines.json` where there are any: what simple predictors reach on test; for gaze also `scaler.json`
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.tasks.spec import TaskDataSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.tasks import preparing

    (translated,) = job.inputs.get("translations", [None])
    return preparing.prepare(job.spec, job.input("raw"), job.out, job.ledger, translated)


if __name__ == "__main__":
    stage.main(TaskDataSpec, run)
