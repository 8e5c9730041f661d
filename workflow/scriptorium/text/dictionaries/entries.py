"""Translations of words, as every reader yields them, and the form in which words are compared."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple


class Entry(NamedTuple):
    """A word and its translation, in the order of the source's `languages`, and where they stand, for errors."""

    place: str
    first: str
    second: str


def comparable(word: str) -> str:
    """The form in which a word of a text and one of a dictionary are compared: composed, upper and lower case one,
    without punctuation at its ends. Accents stay: they tell words apart (ours)."""
    folded = unicodedata.normalize("NFC", word).casefold().strip()
    start, stop = 0, len(folded)
    while start < stop and not folded[start].isalnum():
        start += 1
    while stop > start and not folded[stop - 1].isalnum():
        stop -= 1
    return unicodedata.normalize("NFC", folded[start:stop])
