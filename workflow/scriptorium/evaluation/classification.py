"""Metrics of classification and regression tasks, from their definitions, in numpy."""

from __future__ import annotations

import numpy as np


def classification(labels: np.ndarray, predictions: np.ndarray, classes: int) -> dict[str, float]:
    """accuracy, f1 and mcc, each a share of 1.

    f1 is that of the last class where there are two (GLUE's MRPC and QQP: of the positive), else the mean over the
    classes. mcc is Gorodkin's R_K, for two classes Matthews' coefficient (CoLA). A ratio with the denominator 0 is 0.
    """
    table = np.zeros((classes, classes))
    np.add.at(table, (labels, predictions), 1)
    hits, true, predicted, total = np.diag(table), table.sum(1), table.sum(0), table.sum()
    f1 = _ratio(2 * hits, true + predicted)
    covariance = hits.sum() * total - true @ predicted
    spread = np.sqrt((total**2 - predicted @ predicted) * (total**2 - true @ true))
    return {
        "accuracy": float(hits.sum() / total),
        "f1": float(f1[-1] if classes == 2 else f1.mean()),
        "mcc": float(_ratio(covariance, spread)),
    }


def regression(labels: np.ndarray, predictions: np.ndarray) -> dict[str, float]:
    """pearson, spearman (STS-B) and mse. A correlation with something constant is 0."""
    labels, predictions = labels.astype(np.float64), predictions.astype(np.float64)
    return {
        "pearson": _pearson(labels, predictions),
        "spearman": _pearson(_ranks(labels), _ranks(predictions)),
        "mse": float(np.mean((labels - predictions) ** 2)),
    }


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(_ratio(a @ b, np.sqrt((a @ a) * (b @ b))))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
