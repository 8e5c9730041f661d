"""Collect a bilingual dictionary: words in the form in which they are compared, every pair once.

inputs: sources, one manifest per data set, in a folder of its name
out: `results/data/dictionaries/<dictionary>/entries.parquet` (lang_a, lang_b, word_a, word_b; all str)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.dictionaries.spec import DictionarySpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.text.dictionaries import preparing

    return preparing.prepare(job.spec, job.inputs["sources"], job.out, job.ledger)


if __name__ == "__main__":
    stage.main(DictionarySpec, run)
