"""Collect running text for pre-training: normalised, de-duplicated, split by document.

inputs: sources, one manifest per data set that is not streamed, in a folder of its name; exclude, those of the tasks
whose texts must not be in it
out: `results/data/corpora/<corpus>/documents.parquet` (id: str, source: str, split: train | validation, text: str)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.spec import CorpusSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.text.corpora import preparing

    with job.impl.saving_on_sigterm():
        return preparing.prepare(job)


if __name__ == "__main__":
    stage.main(CorpusSpec, run)
