"""Tokenise a corpus once and make fixed blocks of it: packed without padding, or by another layout.

inputs: corpus, tokenizer (manifests)
out: `{train,validation}.arrow` (input_ids, document_ids per block, and what the layout adds), `tokenizer/`, so that
pre-training needs no more
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.spec import PackSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.text import packing, tokenizers
    from scriptorium.text.kept_tokens import KeptTokens

    tokenizer = tokenizers.load_tokenizer(tokenizers.tokenizer_directory(job.input("tokenizer")))
    if job.spec.vocabulary == "fairseq":
        tokenizer = tokenizers.fairseq_tokenizer(tokenizer)
    documents = job.input_dir("corpus") / "documents.parquet"
    with job.impl.saving_on_sigterm():
        files = packing.pack(
            documents,
            tokenizer,
            job.spec.block_length,
            job.out,
            job.ledger,
            layout=job.spec.layout,
            tokens=KeptTokens(job, tokenizer),
        )
    tokenizer.save_pretrained(job.out / "tokenizer")
    return [*files, *sorted((job.out / "tokenizer").iterdir())]


if __name__ == "__main__":
    stage.main(PackSpec, run)
