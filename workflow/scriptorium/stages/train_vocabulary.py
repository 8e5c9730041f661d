"""Train a vocabulary on the train split of a corpus.

inputs: corpus (manifest)
out: `results/data/vocabularies/<name>/tokenizer.json` and `tokenizer_config.json`, which transformers reads
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.spec import VocabularySpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.text import vocabularies

    return vocabularies.train(job.spec, job.input_dir("corpus") / "documents.parquet", job.out, job.ledger)


if __name__ == "__main__":
    stage.main(VocabularySpec, run)
