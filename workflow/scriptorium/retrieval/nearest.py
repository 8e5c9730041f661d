"""The nearest texts of every text, both ways, in one pass over blocks of the product of all vectors.

The product itself is never there as a whole: 100,000 x 100,000 numbers are 40 GB, a block and its transpose are 64 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

ROWS, COLUMNS = 1024, 8192  # of a block


class Nearest(NamedTuple):
    """Of every query the k nearest, nearest first, of equally near ones the first; [n, k]: float32, int64."""

    scores: np.ndarray
    rows: np.ndarray


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 [n, d] of length 1, in place; a vector of zeros stays."""
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return vectors


def both_ways(
    x: np.ndarray,
    y: np.ndarray,
    k: int,
    *,
    rows: int = ROWS,
    columns: int = COLUMNS,
    pause: Callable[[], None] = lambda: None,
) -> tuple[Nearest, Nearest]:
    """For every x [n, d] the k nearest y [m, d] by dot product, and for every y the k nearest x.

    With fewer than k candidates there are fewer columns. Memory beside the vectors: 2 rows x columns numbers, and
    (n + m) x k results. pause() is called before every block and may raise.
    """
    forward, backward = _Best(len(x), min(k, len(y))), _Best(len(y), min(k, len(x)))
    space = np.empty((2, min(rows, len(x)) * min(columns, len(y))), np.float32)
    for left in range(0, len(y), columns):
        some = y[left : left + columns]
        for top in range(0, len(x), rows):
            pause()
            own = x[top : top + rows]
            size = len(own) * len(some)
            block = np.matmul(own, some.T, out=space[0, :size].reshape(len(own), len(some)))
            turned = space[1, :size].reshape(len(some), len(own))
            turned[:] = block.T
            forward.offer(top, block, left)
            backward.offer(left, turned, top)
    return forward.found(), backward.found()


class _Best:
    """The k best of each of n queries so far."""

    def __init__(self, n: int, k: int):
        self.scores, self.rows = np.full((n, k), -np.inf, np.float32), np.zeros((n, k), np.int64)

    def offer(self, start: int, block: np.ndarray, offset: int) -> None:
        """Scores [r, c] of queries from `start` with candidates from `offset`, in ascending order; destroys `block`.

        k times the largest number is faster than a partial sort, since k is small.
        """
        queries, k = np.arange(len(block)), self.scores.shape[1]
        scores, rows = [self.scores[start : start + len(block)]], [self.rows[start : start + len(block)]]
        for _ in range(min(k, block.shape[1])):
            best = block.argmax(axis=1)
            scores.append(block[queries, best][:, None])
            rows.append(best[:, None] + offset)
            block[queries, best] = -np.inf
        merged, owners = np.concatenate(scores, axis=1), np.concatenate(rows, axis=1)
        order = np.argsort(-merged, axis=1, kind="stable")[:, :k]
        self.scores[start : start + len(block)] = np.take_along_axis(merged, order, axis=1)
        self.rows[start : start + len(block)] = np.take_along_axis(owners, order, axis=1)

    def found(self) -> Nearest:
        return Nearest(self.scores, self.rows)
