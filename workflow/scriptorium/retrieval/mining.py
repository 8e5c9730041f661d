"""Bitext mining by XTREME's rules: which pairs are predicted, and the threshold that gives the best F1 on dev.

Candidates are the best matches of both directions, taken from the best score down, each text at most once. Equal texts
of a side are searched as one, and since nobody can say which of them is meant, they are never predicted.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from scriptorium.retrieval.collection import Part, Side
from scriptorium.retrieval.searching import Match


class Candidates(NamedTuple):
    """Pairs of rows int64 [c, 2] from the best score down, their scores, and which are of the gold, bool [c]."""

    pairs: np.ndarray
    scores: np.ndarray
    right: np.ndarray


def candidates(part: Part, rows: tuple[np.ndarray, np.ndarray], forward: Match, backward: Match) -> Candidates:
    """rows: for each side the row of the part that each searched text has (equal texts are searched once)."""
    first, second = rows
    pairs = np.concatenate(
        [
            np.stack([np.arange(len(first)), forward.rows], axis=1),
            np.stack([backward.rows, np.arange(len(second))], axis=1),
        ]
    )
    scores = np.concatenate([forward.scores, backward.scores])
    order = np.argsort(-scores, kind="stable")
    taken, seen = [], (set(), set())
    for number in order[scores[order] > 0]:  # as XTREME; a negative margin says nothing
        one, other = pairs[number].tolist()
        if one not in seen[0] and other not in seen[1]:
            seen[0].add(one), seen[1].add(other)
            taken.append(number)
    pairs, scores = pairs[taken], scores[taken]
    sides = zip((first, second), (part.first, part.second), strict=True)
    alone = np.stack([_alone(side)[own][pairs[:, number]] for number, (own, side) in enumerate(sides)], axis=1)
    kept = alone.all(axis=1)
    own = np.stack([first[pairs[kept, 0]], second[pairs[kept, 1]]], axis=1)
    gold = set(map(tuple, part.gold.tolist()))
    right = np.fromiter((tuple(pair) in gold for pair in own.tolist()), bool, len(own))
    return Candidates(own, scores[kept], right)


def best_threshold(found: Candidates, gold: int) -> float:
    """The score from which on pairs are predicted, for the best F1 with `gold` true pairs; 0 if none is right.

    It lies between the last score that is predicted and the next one, as in XTREME's; behind the last one it is that
    score itself (there XTREME's code ends with an error).
    """
    hits = np.cumsum(found.right)
    if not len(hits) or not hits[-1]:
        return 0.0
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + gold)
    last = int(f1.argmax())
    following = found.scores[min(last + 1, len(hits) - 1)]
    return float((np.float64(found.scores[last]) + np.float64(following)) / 2)


def _alone(side: Side) -> np.ndarray:
    """bool [texts]: the text is there once."""
    counts = Counter(side.texts)
    return np.fromiter((counts[text] == 1 for text in side.texts), bool, len(side))
