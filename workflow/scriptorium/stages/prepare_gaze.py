"""Read one eye-tracking corpus into the project's one gaze table (words with means over readers).

inputs: raw = resources/<dataset>/manifest.json · outputs: words = results/gaze/corpora/<corpus>.parquet
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class GazeCorpusSpec(Spec):
    """How to read a gaze corpus."""

    corpus: str = Field(description="name written into the `corpus` column")
    reader: str = Field(description="a reader of data/gaze.py")
    options: dict[str, str | int | float | bool] = Field(default_factory=dict, description="settings of that reader")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import gaze, tables

    words = gaze.read(job.spec.corpus, job.spec.reader, job.spec.options, job.input("raw"), job.ledger)
    path = tables.write_parquet(words, job.outputs["words"])
    job.ledger.artifact(path, "dataset")
    return [path]


if __name__ == "__main__":
    stage.main(GazeCorpusSpec, run)
