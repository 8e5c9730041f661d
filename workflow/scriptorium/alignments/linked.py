"""Sentences whose words people have linked with those of their translation.

On disk, a row each, in links.parquet: id, lang_a, lang_b (lang_a < lang_b), text_a, text_b, words_a, words_b (where
words begin and end in the text, [words, 2]), sure, possible (the words that are linked, [links, 2]; what is sure is
possible too).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scriptorium.files.tables import write_parquet

FILE = "links.parquet"
COLUMNS = ("id", "lang_a", "lang_b", "text_a", "text_b", "words_a", "words_b", "sure", "possible")

Links = frozenset[tuple[int, int]]


class Side(NamedTuple):
    """A text and where its words are; what is no word, such as punctuation that nobody linked, may stand between."""

    text: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Linked:
    """As readers yield it: in the order of the set's `languages`. place: for errors."""

    name: str
    place: str
    first: Side
    second: Side
    sure: Links
    possible: Links


@dataclass(frozen=True)
class Sentence:
    """As it is read from disk. spans: int64 [words, 2] of both sides · sure, possible: bool [words a, words b]."""

    id: str
    languages: tuple[str, str]
    texts: tuple[str, str]
    spans: tuple[np.ndarray, np.ndarray]
    sure: np.ndarray
    possible: np.ndarray


def write(rows: list[tuple], out: Path) -> Path:
    """rows: of COLUMNS."""
    return write_parquet(pd.DataFrame(rows, columns=list(COLUMNS)), out / FILE)


def read(path: Path) -> Iterator[Sentence]:
    """path: links.parquet."""
    for row in pd.read_parquet(path).itertuples(index=False):
        spans = tuple(_pairs(given) for given in (row.words_a, row.words_b))
        matrices = []
        for given in (row.sure, row.possible):
            links = np.zeros([len(own) for own in spans], bool)
            links[tuple(_pairs(given).T)] = True
            matrices.append(links)
        yield Sentence(row.id, (row.lang_a, row.lang_b), (row.text_a, row.text_b), spans, *matrices)


def _pairs(given: np.ndarray) -> np.ndarray:
    return np.array([tuple(each) for each in given], np.int64).reshape(-1, 2)
