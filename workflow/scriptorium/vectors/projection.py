"""A picture of the texts of two languages: their first two principal components."""

from __future__ import annotations

import numpy as np


def plane(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Places of x and of y, float64 [n, 2] each, and the share of the variance that the two directions hold.

    x, y [n, d]: both languages together are centred, and lie in one plane. A direction points to where its largest
    weight is positive, so that a picture is not turned round by chance.
    """
    both = np.concatenate([x, y]).astype(np.float64)
    both = both - both.mean(0)
    _, sizes, directions = np.linalg.svd(both, full_matrices=False)
    first = directions[:2]
    first = first * np.sign(first[np.arange(len(first)), np.abs(first).argmax(1)])[:, None]
    places, total = both @ first.T, float((sizes**2).sum())
    return places[: len(x)], places[len(x) :], float((sizes[:2] ** 2).sum() / total) if total else 0.0
