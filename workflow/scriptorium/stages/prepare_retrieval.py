"""Read a retrieval set: texts of two languages, and which belong together.

inputs: source = manifest of a data set or of a corpus of pairs; trained_on = manifests of corpora whose texts are left
out, if there are any
out: `sentences.parquet` (languages, split, side, language, id, text), `gold.parquet` (languages, split, a, b)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.retrieval.spec import CollectionSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.retrieval import preparing

    trained_on = job.inputs.get("trained_on", [])
    made = preparing.prepare(job.spec, job.input("source"), trained_on, job.out, job.ledger)
    job.ledger.artifact(made[0], "dataset")
    return made


if __name__ == "__main__":
    stage.main(CollectionSpec, run)
