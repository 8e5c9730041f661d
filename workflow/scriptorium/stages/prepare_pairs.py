"""Read or make minimal pairs: a real sentence and the same with one thing broken.

inputs: source = manifest of a data set, or of a corpus whose held-out sentences are broken
out: `pairs.parquet` (id, good, bad, phenomenon, paradigm), and where the data set brings it `published.tsv`
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.minimal_pairs.spec import PairsSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.minimal_pairs import preparing

    made = preparing.prepare(job.spec, job.input("source"), job.out, job.ledger)
    job.ledger.artifact(made[0], "dataset")
    return made


if __name__ == "__main__":
    stage.main(PairsSpec, run)
