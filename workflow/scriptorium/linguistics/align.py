"""Aligns words with spaCy tokens and with word pieces, by character offsets alone.

A word is a blank-separated stretch of text with its punctuation, as in eye-tracking corpora: `text.split()`. Nothing
here compares characters, so combining marks, emoji, ligatures or invisible characters cannot shift anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from scriptorium.errors import UserError

_WORD = re.compile(r"\S+")  # the same blanks as str.split(): both ask str.isspace


def word_spans(text: str) -> np.ndarray:
    """Character offsets [n, 2] of the words `text.split()`, in order; end exclusive."""
    return np.array([match.span() for match in _WORD.finditer(text)], dtype=np.int64).reshape(-1, 2)


def piece_words(
    offsets: Sequence[tuple[int, int]], spans: np.ndarray, belongs: Sequence[bool] | None = None
) -> np.ndarray:
    """Index of each piece's word, [pieces] int64; -1 for special, padding and empty pieces, and for blanks.

    `offsets` is a fast tokenizer's offset mapping (specials are (0, 0)), `spans` the words of the same text. For a
    pair call it once per segment, with `belongs` telling which pieces are of that segment:
    `piece_words(offsets, word_spans(text_b), [s == 1 for s in encoding.sequence_ids(i)])`. A piece that reaches over
    several words belongs to the first of them.
    """
    pieces = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    start, end = pieces[:, 0], pieces[:, 1]
    if not len(spans):
        return np.full(len(pieces), -1, dtype=np.int64)
    first = np.searchsorted(spans[:, 1], start, side="right")  # the first word that ends after the piece's start
    word = np.minimum(first, len(spans) - 1)
    overlaps = (first < len(spans)) & (spans[word, 0] < end) & (start < end)
    if belongs is not None:
        overlaps &= np.asarray(belongs, dtype=bool)
    return np.where(overlaps, word, -1)


def token_words(text: str, offsets: Sequence[tuple[int, int]], spans: np.ndarray) -> np.ndarray:
    """Index of each linguistic token's word, [tokens] int64; -1 for tokens made of blanks.

    Raises UserError with the text if a word has no token: a word without features must never pass as a zero.
    """
    words = piece_words(offsets, spans)
    missing = np.setdiff1d(np.arange(len(spans)), words)
    if len(missing):
        lost = ", ".join(repr(text[start:end]) for start, end in spans[missing][:5])
        raise UserError(
            f"words without a token of their own: {lost}",
            where=f"text {text!r}",
            remedy="use a spaCy pipeline that does not merge tokens across blanks",
        )
    return words
