"""Metrics of classification and regression tasks, from their definitions, in numpy.

Those that are functions of totals over examples are computed from them, of any leading shape, so that
a metric without each of the examples is one expression (evaluation/pseudo_values.py).
"""

from __future__ import annotations

import math

import numpy as np


def classification(labels: np.ndarray, predictions: np.ndarray, classes: int) -> dict[str, float]:
    """accuracy, error (1 - accuracy, as IMDB's is printed), f1 and mcc, each a share of 1.

    f1 is that of the last class where there are two (GLUE's MRPC and QQP: of the positive), else the mean over the
    classes. mcc is Gorodkin's R_K, for two classes Matthews' coefficient (CoLA). A ratio with the denominator 0 is 0.
    """
    counts = np.bincount(np.asarray(labels) * classes + predictions, minlength=classes**2)
    return {name: float(value) for name, value in from_confusion(counts).items()}


def confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    """Totals of each example, [..., classes * classes]: 1 in the cell of its (label, prediction)."""
    return np.eye(classes**2)[np.asarray(labels) * classes + predictions]


def from_confusion(counts: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of `classification` of summed confusions [..., classes * classes], each [...]."""
    classes = math.isqrt(counts.shape[-1])
    table = counts.reshape(*counts.shape[:-1], classes, classes).astype(np.float64)
    hits, true, predicted = np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1), table.sum(axis=-2)
    right, total = hits.sum(axis=-1), true.sum(axis=-1)
    f1 = ratio(2 * hits, true + predicted)
    covariance = right * total - (true * predicted).sum(axis=-1)
    spread = np.sqrt((total**2 - (predicted**2).sum(axis=-1)) * (total**2 - (true**2).sum(axis=-1)))
    return {
        "accuracy": right / total,
        "error": 1 - right / total,
        "f1": f1[..., -1] if classes == 2 else f1.mean(axis=-1),
        "mcc": ratio(covariance, spread),
    }


def regression(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """pearson, spearman (STS-B) and mse. A correlation with something constant is 0."""
    labels, predictions = labels.astype(np.float64), predictions.astype(np.float64)
    return {
        "pearson": _pearson(labels, predictions),
        "spearman": spearman(labels, predictions),
        "mse": float(np.mean((labels - predictions) ** 2)),
    }


def spearman(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Correlation of ranks; 0 with something constant."""
    return _pearson(_ranks(labels), _ranks(predictions))


def moments(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Totals of each example, [..., 6]: 1, x, y, xx, yy, xy. labels x [n], predictions y [..., n].

    Both are moved by the labels' mean, which changes neither metric and keeps differences of large sums exact.
    """
    x, y = np.broadcast_arrays(np.asarray(labels, np.float64), np.asarray(predictions, np.float64))
    x, y = x - np.mean(labels), y - np.mean(labels)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1)


def from_moments(sums: np.ndarray) -> dict[str, np.ndarray]:
    """pearson and mse of summed moments [..., 6], each [...]; ranks are no sums, so spearman is not among them."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    # rounding leaves a constant with a spread that is not quite 0: below a millionth of a millionth it is none
    spread_x, spread_y = (np.where(s > 1e-12 * whole, s, 0) for s, whole in ((xx - x**2 / n, xx), (yy - y**2 / n, yy)))
    return {
        "pearson": ratio(xy - x * y / n, np.sqrt(spread_x * spread_y)),
        "mse": (xx + yy - 2 * xy) / n,
    }


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def log_odds(shares: np.ndarray, right: np.ndarray) -> np.ndarray:
    """log p / (1 - p) of the right class, [n] in nats. shares: probabilities [n, classes]; right: classes [n].

    The other classes are summed, not taken from 1, so that certainty keeps its digits; less than 1e-30 counts as that.
    """
    shares = np.asarray(shares, np.float64)
    own = np.eye(shares.shape[1], dtype=bool)[np.asarray(right)]
    both = ((shares * each).sum(axis=-1) for each in (own, ~own))
    return np.subtract(*(np.log(np.maximum(each, 1e-30)) for each in both))


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(ratio(a @ b, np.sqrt((a @ a) * (b @ b))))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, 0 where b is 0."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
