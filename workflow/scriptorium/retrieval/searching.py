"""The best match of every text by cosine, or by margin (docs/papers/veco.md section 4.5; Artetxe and Schwenk 2019).

Margin: the cosine of x and y over the mean of two means, that of the cosines of x with its k nearest on the other side
and that of y with its own. The best match is the best by margin among the k nearest by cosine, as XTREME does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scriptorium.retrieval.nearest import Nearest, both_ways, unit

COSINE, MARGIN = "cosine", "margin"


class Match(NamedTuple):
    """Of every text of one side: the row of its best match on the other, and its score."""

    rows: np.ndarray  # int64 [n]
    scores: np.ndarray  # float32 [n]


def search(
    x: np.ndarray, y: np.ndarray, score: str, neighbours: int, pause: Callable[[], None] = lambda: None
) -> tuple[Match, Match]:
    """The matches of x [n, d] among y [m, d], and of y among x. The vectors are scaled in place."""
    forward, backward = both_ways(unit(x), unit(y), neighbours if score == MARGIN else 1, pause=pause)
    if score == MARGIN:
        forward, backward = margins(forward, backward), margins(backward, forward)
    return best(forward), best(backward)


def margins(near: Nearest, others: Nearest) -> Nearest:
    """The margins of `near`; others: the nearest of the candidates on their other side."""
    own, theirs = near.scores.mean(axis=1, keepdims=True), others.scores.mean(axis=1)
    return Nearest(near.scores / ((own + theirs[near.rows]) / 2), near.rows)


def best(near: Nearest) -> Match:
    """The best of the candidates, the first of equal ones."""
    chosen = near.scores.argmax(axis=1)
    queries = np.arange(len(chosen))
    return Match(near.rows[queries, chosen], near.scores[queries, chosen])
