"""Tokenise a corpus once and pack it into fixed blocks without padding.

inputs: corpus, tokenizer (manifests) · out: `{train,validation}.arrow` (input_ids, document_ids per block), tokenizer files
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class PackSpec(Spec):
    """How text becomes blocks."""

    block_length: int = Field(128, gt=8, description="tokens per block")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(PackSpec, run)
