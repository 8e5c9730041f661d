"""Pairs of texts, as every reader yields them."""

from __future__ import annotations

from typing import NamedTuple


class Pair(NamedTuple):
    """A text and its translation, in the order of the source's `languages`, and where they stand, for errors."""

    name: str  # within its source
    place: str
    first: str
    second: str
