"""Tokenise a corpus and parallel text once and make blocks of two sides of them (text/two_sided.py).

inputs: corpus, parallel, tokenizer (manifests)
out: `{train,validation}.arrow` (input_ids, document_ids and group per block), `groups.json`, `tokenizer/`
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.spec import PackPairsSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.text import packing_pairs, tokenizers
    from scriptorium.text.kept_tokens import KeptTokens

    tokenizer = tokenizers.load_tokenizer(tokenizers.tokenizer_directory(job.input("tokenizer")))
    with job.impl.saving_on_sigterm():
        files = packing_pairs.pack(
            job.input_dir("corpus") / "documents.parquet",
            job.input_dir("parallel") / "pairs.parquet",
            tokenizer,
            job.spec,
            job.out,
            job.ledger,
            KeptTokens(job, tokenizer),
        )
    tokenizer.save_pretrained(job.out / "tokenizer")
    return [*files, *sorted((job.out / "tokenizer").iterdir())]


if __name__ == "__main__":
    stage.main(PackPairsSpec, run)
