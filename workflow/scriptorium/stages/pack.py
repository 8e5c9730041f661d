"""Tokenise a corpus once and pack it into fixed blocks without padding.

inputs: corpus, tokenizer (manifests)
out: `{train,validation}.arrow` (input_ids, document_ids per block), `tokenizer/`, so that pre-training needs no more
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class PackSpec(Spec):
    """How text becomes blocks."""

    block_length: int = Field(128, gt=8, description="tokens per block")
    vocabulary: Literal["fairseq"] | None = Field(
        None,
        exclude_if=lambda value: value is None,  # so that the specification of other runs stays what it is
        description="fairseq: MPNet's symbols and their places in the vocabulary; empty: the tokenizer as it is",
    )


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import packing, tokenizers

    tokenizer = tokenizers.load_tokenizer(tokenizers.tokenizer_directory(job.input("tokenizer")))
    if job.spec.vocabulary == "fairseq":
        tokenizer = tokenizers.fairseq_tokenizer(tokenizer)
    documents = job.input_dir("corpus") / "documents.parquet"
    files = packing.pack(documents, tokenizer, job.spec.block_length, job.out, job.ledger)
    tokenizer.save_pretrained(job.out / "tokenizer")
    return [*files, *sorted((job.out / "tokenizer").iterdir())]


if __name__ == "__main__":
    stage.main(PackSpec, run)
