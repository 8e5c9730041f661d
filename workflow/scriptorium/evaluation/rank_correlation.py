"""Spearman's correlation without each example in turn, exactly and for many sets of predictions at once.

Removing example j lowers the rank of i by 1 if i stood above j, by a half if they were equal. So each sum that the
correlation is made of changes by sums over the examples above j, which sorting gives; only the sum over those that are
above j in both rankings needs counting (`_above_in_both`).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from scriptorium.evaluation.classification import ratio


def spearman_left_out(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """[..., n]: the correlation of ranks of the other n - 1, ties included; 0 with something constant.

    labels, predictions: [..., n], of shapes that fit each other. The time is that of sorting, about n * log n.
    """
    x, y = np.asarray(labels, np.float64), np.asarray(predictions, np.float64)
    x = x.reshape((1,) * (y.ndim - x.ndim) + x.shape)
    (r, of_r), (q, of_q) = _Ranking.of(x), _Ranking.of(y)
    n = x.shape[-1]
    above_both = np.mean([_above_in_both(a, b) for a, b in product(of_r.orders, of_q.orders)], axis=0)
    covariance = _sum(r * q) - r * q - of_r.above(q) - of_q.above(r) + above_both
    spreads = [
        _sum(own**2) - own**2 - 2 * of.above(own) + of.count + of.equal / 4 for own, of in ((r, of_r), (q, of_q))
    ]
    # ranks lie about 0 before, so these are what is missing: example j itself, and what the others went down
    sums = [-own - of.count - of.equal / 2 for own, of in ((r, of_r), (q, of_q))]
    covariance -= sums[0] * sums[1] / (n - 1)
    spreads = [spread - own**2 / (n - 1) for spread, own in zip(spreads, sums, strict=True)]
    spreads = [np.where(spread > 1e-9 * n, spread, 0) for spread in spreads]  # ranks step by halves: less is rounding
    return ratio(covariance, np.sqrt(spreads[0] * spreads[1]))


def spearman(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """[...]: the correlation of ranks of all n, for labels and predictions [..., n]."""
    r, q = (_Ranking.of(np.asarray(values, np.float64))[0] for values in (labels, predictions))
    return ratio((r * q).sum(axis=-1), np.sqrt((r * r).sum(axis=-1) * (q * q).sum(axis=-1)))


class _Ranking:
    """Values [..., n] in their order.

    count, equal [..., n]: how many are above each, and how many others are equal to it. orders: ranks from 0 without
    ties, one if there are none; else two, with ties in the order of their places and against it, so that the mean over
    both of "i is above j" is a half for equals.
    """

    @classmethod
    def of(cls, values: np.ndarray) -> tuple[np.ndarray, _Ranking]:
        """Ranks [..., n] about their mean, and the rest."""
        made = cls(values)
        return (made.first + made.last - (values.shape[-1] - 1)) / 2, made

    def __init__(self, values: np.ndarray) -> None:
        n = values.shape[-1]
        self.order = np.argsort(values, axis=-1, kind="stable")
        ordered, places = np.take_along_axis(values, self.order, -1), np.arange(n)
        new = np.ones(values.shape, bool)
        new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
        first = np.maximum.accumulate(np.where(new, places, 0), axis=-1)
        ends = np.concatenate([new[..., 1:], np.ones_like(new[..., :1])], axis=-1)
        last = np.minimum.accumulate(np.where(ends, places, n)[..., ::-1], axis=-1)[..., ::-1]
        self.first, self.last = self._back(first), self._back(last)
        self.count, self.equal = n - 1 - self.last, self.last - self.first
        place = self._back(np.broadcast_to(places, values.shape))
        self.orders = [place] if new.all() else [place, self.first + self.last - place]

    def above(self, other: np.ndarray) -> np.ndarray:
        """Sum over the examples above each of their `other`, those equal to it by a half, [..., n]."""
        ordered = np.take_along_axis(other, self.order, -1)
        sums = np.concatenate([np.zeros_like(ordered[..., :1]), np.cumsum(ordered, axis=-1)], axis=-1)
        before, until = (np.take_along_axis(sums, at, -1) for at in (self.first, self.last + 1))
        return sums[..., -1:] - until + (until - before - other) / 2

    def _back(self, ordered: np.ndarray) -> np.ndarray:
        found = np.empty_like(ordered)
        np.put_along_axis(found, self.order, ordered, -1)
        return found


def _above_in_both(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each example, how many others have a larger x and a larger y, [..., n]; x, y: ranks 0 ... n - 1, no ties.

    The y in the order of x are sorted bit by bit, the highest first, each step stable. Where two differ first at a bit,
    that step counts for the one without it how many with it stand behind. All rows go through a step together.
    """
    x, y = np.broadcast_arrays(x, y)
    shape, n = x.shape, x.shape[-1]
    size = width = 1 << (n - 1).bit_length()
    rows = int(np.prod(shape[:-1]))
    values = np.empty((rows, width), np.int32)
    values[:, : width - n] = np.arange(width - n)  # filled up in front, below all others: above none
    np.put_along_axis(values, (x + width - n).reshape(rows, n), (y + width - n).reshape(rows, n), -1)
    counts = np.zeros_like(values)
    while size > 1:
        values, counts = values.reshape(-1, size), counts.reshape(-1, size)
        half = size // 2
        high = (values & half) // half
        ahead = np.cumsum(high, axis=-1, dtype=np.int32)
        counts += (1 - high) * (half - ahead)
        # half of a group have the bit; they go behind the others
        place = np.where(high, half - 1 + ahead, np.arange(size, dtype=np.int32) - ahead)
        place += np.arange(0, values.size, size, dtype=np.int32)[:, None]
        moved = np.empty((2, values.size), np.int32)
        for new, old in zip(moved, (values, counts), strict=True):
            new[place.ravel()] = old.ravel()
        (values, counts), size = moved, half
    return np.take_along_axis(counts.reshape(rows, width), (y + width - n).reshape(rows, n), -1).reshape(shape)


def _sum(values: np.ndarray) -> np.ndarray:
    return values.sum(axis=-1, keepdims=True)
