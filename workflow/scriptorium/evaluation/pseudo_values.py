"""Jackknife pseudo-values: what each example says about a metric of the whole test set, whatever the metric is.

Of n examples, example j has n * (metric of all) - (n - 1) * (metric without j). For a mean these are the examples' own
values; for F1 or a correlation they are what makes one out of them: independent draws, nearly, whose mean is the metric
(Tukey 1958; Dorfman, Berbaum and Metz 1992 analyse readers and cases by them).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Metric = Callable[[np.ndarray, np.ndarray], float]  # (labels [n], predictions [n]) -> value
TotalsMetric = Callable[[np.ndarray], np.ndarray]  # sums over examples [..., k] -> values [...]
LeftOut = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (labels [n], predictions [n]) -> [n], without each of them


def of_totals(rows: np.ndarray, metric: TotalsMetric) -> tuple[np.ndarray, np.ndarray]:
    """The metric [...] and its pseudo-values [..., n] of rows [..., n, k], what each example adds to the sums."""
    sums = rows.sum(axis=-2)
    whole, without = metric(sums), metric(sums[..., None, :] - rows)
    return whole, pseudo(whole, without)


def of_predictions(
    metric: Metric, labels: np.ndarray, predictions: np.ndarray, left_out: LeftOut | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The same for labels [n] and predictions [seeds, n]: [seeds] and [seeds, n].

    Without `left_out` the metric is computed n times for each seed.
    """
    whole = np.array([metric(labels, own) for own in predictions], np.float64)
    left_out = left_out or _one_by_one(metric)
    return whole, pseudo(whole, np.stack([left_out(labels, own) for own in predictions]))


def _one_by_one(metric: Metric) -> LeftOut:
    def left_out(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        others = ~np.eye(len(labels), dtype=bool)
        return np.array([metric(labels[keep], predictions[keep]) for keep in others], np.float64)

    return left_out


@dataclass(frozen=True)
class Part:
    """A part of a metric that is a weighted sum over parts, such as one language of a mean over languages.

    rows [seeds, m, k]: what each example of this part adds to its sums; items [m]: which item each example is of, since
    translations of one sentence are one item of several parts; metric: of the sums; weight: of the part.
    """

    rows: np.ndarray
    items: np.ndarray
    metric: TotalsMetric
    weight: float


def of_parts(parts: Sequence[Part], items: int) -> tuple[np.ndarray, np.ndarray]:
    """The weighted sum of the parts' metrics [seeds], and its pseudo-values [seeds, items]: without each item."""
    whole = np.zeros(parts[0].rows.shape[0])
    change = np.zeros((len(whole), items))  # of the sum, where an item is left out
    for part in parts:
        sums = part.rows.sum(axis=-2)
        value = part.metric(sums)
        whole += part.weight * value
        if len(np.unique(part.items)) == len(part.items):
            change[:, part.items] += part.weight * (part.metric(sums[:, None] - part.rows) - value[:, None])
        else:  # several examples of one item leave together
            own, place = np.unique(part.items, return_inverse=True)
            rows = np.zeros((len(whole), len(own), part.rows.shape[-1]))
            np.add.at(rows, (slice(None), place), part.rows)
            change[:, own] += part.weight * (part.metric(sums[:, None] - rows) - value[:, None])
    return whole, pseudo(whole, whole[:, None] + change)


def pseudo(whole: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Pseudo-values [..., n] of a metric of all [...] and without each [..., n]."""
    n = without.shape[-1]
    return n * np.asarray(whole)[..., None] - (n - 1) * without
