"""Sentences as word pieces, and of which word each piece is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import transformers

from scriptorium.errors import UserError
from scriptorium.models.positions import longest_input


@dataclass(frozen=True)
class Sentence:
    """Pieces without special tokens, and for each the number of its word."""

    pieces: tuple[int, ...]
    words: tuple[int, ...]


def encode(
    tokenizer: transformers.PreTrainedTokenizerBase, texts: Sequence[str], config: transformers.PreTrainedConfig
) -> list[Sentence]:
    """Every text. Raises UserError for one without a piece, or with more than a model of this configuration takes."""
    longest = longest_input(config) - 2  # [CLS] and [SEP]
    encoded = tokenizer(list(texts), add_special_tokens=False).encodings
    for text, encoding in zip(texts, encoded, strict=True):
        if not 0 < len(encoding.ids) <= longest:
            raise UserError(
                f"this sentence has {len(encoding.ids)} word pieces, the model takes 1 to {longest}: {text[:80]!r}",
                remedy="leave the pair out, or lower options.longest of this set of pairs",
            )
    return [Sentence(tuple(encoding.ids), tuple(encoding.word_ids)) for encoding in encoded]
