"""Does a dictionary have the words of the texts that it is meant for, and its languages on the right sides?"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError

SAMPLE = 5  # words that an error names


def check(path: Path, languages: tuple[str, str], forms: tuple[Collection[str], Collection[str]]) -> int:
    """How many of the entries have both their words in the texts.

    path: entries.parquet; forms: the `comparable` words of the texts in each language. Raises UserError, with samples:
    no entry has, or more entries would if the languages were exchanged.
    """
    table = pd.read_parquet(path)
    pair = sorted(zip(languages, forms, strict=True), key=lambda each: each[0])
    own = table[(table["lang_a"] == pair[0][0]) & (table["lang_b"] == pair[1][0])]
    (one, first), (other, second) = pair
    found = own["word_a"].isin(first) & own["word_b"].isin(second)
    turned = own["word_a"].isin(second) & own["word_b"].isin(first)
    if turned.sum() > found.sum():
        row = own[turned & ~found].iloc[0]
        raise UserError(
            f"{one} and {other} are exchanged: {turned.sum()} entries fit so, {found.sum()} as they stand; "
            f"{row.word_a!r}, said to be {one}, stands in the {other} texts, and {row.word_b!r} in the {one} ones",
            where=path,
            remedy="turn `languages` of the dictionary's source round, or its options a and b",
        )
    if not found.any():
        raise UserError(
            f"no entry has its words in the {one} and {other} texts: the dictionary has "
            f"{_sample(own['word_a'])} and {_sample(own['word_b'])}, the texts {_sample(first)} and {_sample(second)}",
            where=path,
            remedy="give a dictionary of these languages, whose words are written as in the texts",
        )
    return int(found.sum())


def languages_of(path: Path) -> set[tuple[str, str]]:
    """The pairs of languages, each in the order of the alphabet, of entries.parquet."""
    return set(pd.read_parquet(path, columns=["lang_a", "lang_b"]).itertuples(index=False, name=None))


def _sample(words: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(set(words))[:SAMPLE])) or "nothing"
