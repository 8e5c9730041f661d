"""Turn raw data, or a corpus of pairs, into sources and the texts that are to be written for them, in three splits.

inputs: source = manifest of a data set or of a corpus of pairs; like = manifest of a prepared labelled task whose split
is taken over, if there is one
out: `results/data/generation/<generation>/{train,validation,test}.parquet` (id, source, target: str; text, text_b: of
validation and test what a corpus leaves out, or null)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.generation.spec import GenerationDataSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.generation import preparing

    (like,) = job.inputs.get("like") or [None]
    return preparing.prepare(job.spec, job.input("source"), job.out, job.ledger, like)


if __name__ == "__main__":
    stage.main(GenerationDataSpec, run)
