"""Held-out text that models score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scriptorium.bits_per_byte.spec import TextsSettings
from scriptorium.errors import UserError

if TYPE_CHECKING:
    from scriptorium.config.references import ReferenceChecks


class BitsPerByte(TextsSettings):
    """What held-out sentences cost pre-trained models (bits_per_byte_<study>.tsv)."""

    corpus: str = Field(description="corpus of this file, whose held-out sentences are scored")


def check(checks: ReferenceChecks) -> None:
    """Held-out sentences are scored by models of the same corpus only."""
    block = checks.config.bits_per_byte
    if block:
        checks.known(block.corpus, checks.config.corpora, "corpus", "bits_per_byte.corpus")
    for name, study in checks.config.pretraining.studies.items():
        for variant in study.variants if study.bits_per_byte else ():
            place, own = f"pretraining.studies.{name}.bits_per_byte", checks.project.variants[variant].recipe.corpus
            if block is None:
                raise UserError(f"{place} needs a block bits_per_byte", where=checks.where)
            if own != block.corpus:
                raise UserError(
                    f"{place}: the sentences are held-out ones of corpus {block.corpus!r}, but {variant} is "
                    f"trained on {own!r}, which may have them",
                    where=checks.where,
                    remedy=f"set bits_per_byte.corpus: {own}",
                )
