"""Held-out text that models score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium.bits_per_byte.spec import TextsSettings
from scriptorium.config.evaluations import asking, check_block, check_held_out

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class BitsPerByte(TextsSettings):
    """What held-out sentences cost pre-trained models (bits_per_byte_<study>.tsv)."""

    corpus: str = Field(description="corpus of this file, whose held-out sentences are scored")


def check(checks: ReferenceChecks) -> None:
    """Held-out sentences are scored by models of the same corpus only."""
    check_block(checks, "bits_per_byte")
    if block := checks.config.bits_per_byte:
        checks.known(block.corpus, checks.config.corpora, "corpus", "bits_per_byte.corpus")
        for place, variants, _ in asking(checks.config, "bits_per_byte"):
            remedy = "set bits_per_byte.corpus: {own}"
            check_held_out(checks, block.corpus, variants, f"{place} scores", remedy)
