"""Gold alignments as a table: sentences, their words, which of them people have linked.

inputs: source = manifest of a data set
out: `results/data/alignments/<alignments>/links.parquet` (alignments/linked.py has the columns)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.alignments.spec import AlignmentsSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.alignments import preparing

    made = preparing.prepare(job.spec, job.input("source"), job.out, job.ledger)
    job.ledger.artifact(made[0], "dataset")
    return made


if __name__ == "__main__":
    stage.main(AlignmentsSpec, run)
