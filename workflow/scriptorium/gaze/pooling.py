"""Pooling gaze corpora: sentences that occur in several, texts that must stay out, levels that differ (ours).

74 texts occur twice in pooled ZuCo, and 167 of the 191 test sentences of CMCL 2021 are in ZuCo (docs/papers/cogbert.md
sections 9.2 and 9.5), so a pool is never taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

RUN = 8  # words: a shared run of so many makes two sentences the same text, cut in other places


def normalised(text: str) -> str:
    """A sentence as it is compared: lower case, letters and digits only. A text without any stays as it is."""
    return " ".join(re.sub(r"[^\w\s]|_", " ", text.casefold()).split()) or text


def duplicates(sentences: pd.DataFrame) -> dict[tuple[str, str], int]:
    """How many different texts occur in both corpora of a pair, or twice in one; pairs without any are left out.

    sentences: one row each, with columns corpus and text.
    """
    key = sentences["text"].map(normalised)
    texts = {corpus: set(rows) for corpus, rows in key.groupby(sentences["corpus"])}
    twice = {corpus: set(rows[rows.duplicated()]) for corpus, rows in key.groupby(sentences["corpus"])}
    found = {}
    for a, b in combinations_with_replacement(sorted(texts), 2):
        if count := len(twice[a] if a == b else texts[a] & texts[b]):
            found[a, b] = count
    return found


def overlapping(texts: Iterable[str], forbidden: Iterable[str]) -> np.ndarray:
    """Which of `texts` are one of the forbidden ones, or share a run of eight words with one: [texts] bool."""
    whole, runs = set(), set()
    for text in map(normalised, forbidden):
        whole.add(text)
        runs |= _runs(text)
    return np.array([text in whole or not runs.isdisjoint(_runs(text)) for text in map(normalised, texts)], dtype=bool)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}


@dataclass(frozen=True)
class CorpusScale:
    """Brings corpora of different levels to one: n_fix over its corpus' mean, times the mean of all.

    A ratio and no z-score (docs/papers/cogbert.md section 9.4 leaves it open), so that 0 stays 0 and a value stays
    positive.
    """

    means: dict[str, float]
    pooled: float

    @classmethod
    def fit(cls, corpus: np.ndarray, n_fix: np.ndarray) -> CorpusScale:
        """From training words only: corpus [words] and n_fix [words]. A corpus without fixations keeps its level."""
        means = {str(name): float(n_fix[corpus == name].mean()) for name in np.unique(corpus)}
        return cls(means, float(n_fix.mean()))

    def to_pool(self, corpus: np.ndarray, n_fix: np.ndarray) -> np.ndarray:
        """Fixations at the level of their own corpus -> at the pool's."""
        return n_fix / self._factors(corpus)

    def to_corpus(self, corpus: np.ndarray, n_fix: np.ndarray) -> np.ndarray:
        """Fixations at the pool's level -> at their corpus'. An unknown corpus keeps the pool's."""
        return n_fix * self._factors(corpus)

    def _factors(self, corpus: np.ndarray) -> np.ndarray:
        factor = {name: mean / self.pooled for name, mean in self.means.items() if mean > 0 and self.pooled > 0}
        return np.array([factor.get(name, 1.0) for name in corpus], dtype=np.float64)
