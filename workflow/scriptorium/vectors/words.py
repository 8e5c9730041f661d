"""Word retrieval in context: is the nearest word of the other language, in a pool of sentences, the translation?

Asked is every word that the dictionary links with a word of its own sentence's translation. Strict: found is such a
word; by type: found is any word of the pool that the dictionary gives as its translation. Forms that stand on both
sides of the pool, such as names and numbers, are neither asked nor offered: shared pieces give them away. All of this
is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scriptorium.crosslingual.held_out import Pair
from scriptorium.text.dictionaries.preparing import Translations


@dataclass(frozen=True)
class Asked:
    """Words of one side. rows: int64 [asked], of all words of that side · pairs: int64 [asked], whose they are ·
    offered: int64 [offered], words of the other side · strict, by_type: bool [asked, offered], which are right."""

    rows: np.ndarray
    pairs: np.ndarray
    offered: np.ndarray
    strict: np.ndarray
    by_type: np.ndarray


def asked(pairs: Sequence[Pair], side: int, translations: Translations) -> Asked:
    """What is asked of the words at `side` of these pairs, which are of two languages."""
    forms, owners = zip(*(_words(pairs, each) for each in (side, 1 - side)), strict=True)
    shared = set(forms[0]) & set(forms[1])
    offered = np.array([row for row, form in enumerate(forms[1]) if form not in shared], np.int64)
    places: dict[str, list[int]] = {}
    for place, row in enumerate(offered):
        places.setdefault(forms[1][row], []).append(place)
    rows, strict, by_type = [], [], []
    for row, form in enumerate(forms[0]):
        right = [place for each in translations.get(form, ()) for place in places.get(each, ())]
        own = [place for place in right if owners[1][offered[place]] == owners[0][row]]
        if form not in shared and own:
            rows.append(row)
            strict.append(own)
            by_type.append(right)
    made = [np.zeros((len(rows), len(offered)), bool) for _ in range(2)]
    for found, given in zip(made, (strict, by_type), strict=True):
        for number, own in enumerate(given):
            found[number, own] = True
    rows = np.array(rows, np.int64)
    return Asked(rows, np.array(owners[0], np.int64)[rows], offered, *made)


def _words(pairs: Sequence[Pair], side: int) -> tuple[list[str], list[int]]:
    """The forms of all words of a side, and the number of each one's pair."""
    forms = [form for pair in pairs for form, *_ in pair.texts[side].words]
    return forms, [number for number, pair in enumerate(pairs) for _ in pair.texts[side].words]


def hits(asked: Asked, own: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(strict, by type): bool [asked]. own [words, d], others [words of the other side, d]: unit vectors. Unknown words
    have NaN: they find nothing and are never found. Of equally near words the first one is found."""
    near = own[asked.rows].astype(np.float64) @ others[asked.offered].astype(np.float64).T
    near = np.where(np.isnan(near), -np.inf, near)
    found = near.argmax(1)
    numbers, known = np.arange(len(found)), np.isfinite(near.max(1))
    return asked.strict[numbers, found] & known, asked.by_type[numbers, found] & known
