"""Words of one language as numbers: runs of pieces are told apart by a hash, and each is spelled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.text.synonyms import rules

if TYPE_CHECKING:
    import transformers


class Words:
    """The words of a language that a corpus has, and what the dictionary knows of them.

    number: form -> its number in the dictionary. texts: the form of every run of pieces that was seen; counts: how
    often; entries: its number in the dictionary or -1.
    """

    def __init__(self, number: Mapping[str, int], spell: Callable[[tuple[int, ...]], str]):
        self.number, self.spell = number, spell
        self.texts: list[str] = []
        self.counts: list[int] = []
        self.entries: list[int] = []
        self._known: dict[int, int] = {}

    def read(self, pieces: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The numbers of words in the dictionary, int64 [words]; a word begins in `pieces` [n] at each of `starts`."""
        if not len(starts):
            return np.zeros(0, np.int64)
        inside = np.arange(len(pieces)) - np.repeat(starts, np.diff([*starts, len(pieces)]))
        weighed = (pieces.astype(np.uint64) + np.uint64(1)) * _powers(int(inside.max()) + 1)[inside]
        hashes = np.add.reduceat(_mixed(weighed), starts)
        unique, first, inverse, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
        stops = np.append(starts[1:], len(pieces))
        rows = np.empty(len(unique), np.int64)
        for place, (key, at, count) in enumerate(zip(unique.tolist(), first.tolist(), counts.tolist(), strict=True)):
            row = self._known.get(key)
            if row is None:
                row = self._known[key] = len(self.texts)
                text = self.spell(tuple(pieces[starts[at] : stops[at]].tolist()))
                self.texts.append(text), self.counts.append(0), self.entries.append(self.number.get(text, -1))
            self.counts[row] += count
            rows[place] = row
        return np.array(self.entries)[rows][inverse]

    def frequent(self, most: int) -> list[str]:
        """The most frequent forms, the first one first."""
        summed: dict[str, int] = {}
        for text, count in zip(self.texts, self.counts, strict=True):
            summed[text] = summed.get(text, 0) + count
        return sorted(summed, key=lambda text: (-summed[text], text))[:most]

    def without(self, forms: frozenset[str]) -> Words:
        """A new one to which these forms are not in the dictionary."""
        return Words({text: number for text, number in self.number.items() if text not in forms}, self.spell)


class Speller:
    """Runs of pieces -> what they spell; a part of a character is written as U+FFFD."""

    def __init__(self, tokenizer: transformers.PreTrainedTokenizerBase, *, accents: bool = True):
        self.accents = accents
        self.names = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self.decoder = tokenizer.backend_tokenizer.decoder

    def __call__(self, pieces: tuple[int, ...]) -> str:
        names = [self.names[piece] for piece in pieces]
        return "".join(names) if self.decoder is None else self.decoder.decode(names)

    def form(self, pieces: tuple[int, ...]) -> str:
        """The form in which that is compared."""
        return rules.form(self(pieces), accents=self.accents)

    def joined(self, pieces: tuple[int, ...]) -> str:
        """The same in a language without spaces, between whose words some decoders write them."""
        return rules.form("".join(self(pieces).split()), accents=self.accents)


@cache
def _powers(count: int) -> np.ndarray:
    base = np.uint64(0x9E3779B97F4A7C15)
    return np.cumprod(np.full(count, base, np.uint64), dtype=np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread the bits of 64-bit numbers (the finaliser of splitmix64), so that sums of them seldom agree."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
