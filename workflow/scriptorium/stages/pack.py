"""Tokenise a corpus once and make fixed blocks of it: packed without padding, or by another layout.

inputs: corpus, tokenizer (manifests)
out: `{train,validation}.arrow` (input_ids, document_ids per block, and what the layout adds), `tokenizer/`, so that
pre-training needs no more
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class LayoutSpec(Spec):
    """Blocks that are padded and not packed (data/layouts.py, data/instances.py)."""

    name: Literal["full-sentences", "sentence-pairs"] = Field(
        description="full-sentences: RoBERTa's and MPNet's, whole sentences until a block is full; sentence-pairs: "
        "BERT's, two texts of which the second may be the continuation of the first"
    )
    sentences: Literal["rules", "lines"] = Field(
        "rules",
        description="rules: lines are split into sentences by punctuation, since a line of our corpora may be a whole "
        "paragraph; lines: each line is one",
    )
    copies: int = Field(10, ge=1, description="sentence-pairs: how often the text is made into pairs (BERT: 10)")
    short: float = Field(
        0.1, ge=0, le=1, description="sentence-pairs: share of documents with shorter pairs (BERT: 0.1)"
    )
    seed: int = Field(0, ge=0, description="sentence-pairs: of the pairs")


class PackSpec(Spec):
    """How text becomes blocks."""

    block_length: int = Field(128, gt=8, description="tokens per block")
    vocabulary: Literal["fairseq"] | None = Field(
        None,
        exclude_if=lambda value: value is None,  # so that the specification of other runs stays what it is
        description="fairseq: MPNet's symbols and their places in the vocabulary; empty: the tokenizer as it is",
    )
    layout: LayoutSpec | None = Field(
        None, exclude_if=lambda value: value is None, description="how blocks are filled; empty: packed"
    )


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import packing, tokenizers

    tokenizer = tokenizers.load_tokenizer(tokenizers.tokenizer_directory(job.input("tokenizer")))
    if job.spec.vocabulary == "fairseq":
        tokenizer = tokenizers.fairseq_tokenizer(tokenizer)
    documents = job.input_dir("corpus") / "documents.parquet"
    files = packing.pack(
        documents,
        tokenizer,
        job.spec.block_length,
        job.out,
        job.ledger,
        layout=job.spec.layout,
        threads=job.impl.threads,
    )
    tokenizer.save_pretrained(job.out / "tokenizer")
    return [*files, *sorted((job.out / "tokenizer").iterdir())]


if __name__ == "__main__":
    stage.main(PackSpec, run)
