"""Alignment and uniformity of the vectors of texts (Wang and Isola 2020), on unit vectors, alpha 2 and t 2.

Alignment: mean of |x - y|^2 over translations. Uniformity: log of the mean of exp(-2 |x - z|^2) over pairs of different
texts of one language; less is better for both, and a model that gives all texts one vector is the best by the first
alone.
"""

from __future__ import annotations

import numpy as np

T = 2.0


def distances(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 [n]: |x - y|^2 of each pair, and its mean over the other pairs' texts, in both directions."""
    squares = _squares(x, y)
    n, own = len(squares), np.diag(squares)
    others = (squares.sum(0) + squares.sum(1) - 2 * own) / (2 * (n - 1))
    return own, others


def potentials(x: np.ndarray) -> np.ndarray:
    """float64 [n], n > 2: what each text adds to n times the mean of exp(-t |x_i - x_j|^2) over i and j > i.

    They are the jackknife's pseudo-values: their mean is that mean, and their spread that of a mean over pairs. A text
    is in as many pairs as there are others; plain means over these would spread half as much.
    """
    n = len(x)
    kernel = np.exp(-T * _squares(x, x))
    own = (kernel.sum(1) - np.diag(kernel)) / (n - 1)
    return (2 * (n - 1) * own - n * own.mean()) / (n - 2)


def _squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.maximum(2 - 2 * x.astype(np.float64) @ y.astype(np.float64).T, 0)
