"""A fine-tuned model's outputs: measured against the labels, and written down, for every kind of task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.data.examples import IGNORED
from scriptorium.evaluation import classification

if TYPE_CHECKING:
    from scriptorium.stages.finetune import FinetuneSpec


def measures(spec: FinetuneSpec, outputs: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The task's metrics.

    outputs: logits [n, classes], values [n, 1], and for words [n, L, tags] or [n, L, measures]; labels [n], [n, L] or
    [n, L, measures], IGNORED at pieces that are not scored.
    """
    if spec.kind == "classification":
        return classification.classification(labels, outputs.argmax(axis=-1), len(spec.labels))
    if spec.kind == "regression":
        return classification.regression(labels, outputs[:, 0])
    if spec.kind == "tagging":
        from scriptorium.evaluation import tagging

        return tagging.measures(*by_word(outputs.argmax(axis=-1), labels), spec.labels)
    from scriptorium.evaluation import reading

    return reading.measures(*by_word(outputs, labels), spec.labels)


def by_word(outputs: np.ndarray, labels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(labels, predictions) of each example's scored pieces, which are the first pieces of its words."""
    scored = labels != IGNORED if labels.ndim == 2 else (labels != IGNORED).all(axis=-1)
    return [row[keep] for row, keep in zip(labels, scored, strict=True)], [
        row[keep] for row, keep in zip(outputs, scored, strict=True)
    ]


def write(spec: FinetuneSpec, table: pd.DataFrame, outputs: np.ndarray, labels: np.ndarray, path: Path) -> None:
    """predictions.parquet in the order of the test file: id, label, prediction [, probability_<class>]."""
    made = table[["id"]].copy()
    if spec.kind in ("tagging", "gaze"):
        values = outputs.argmax(axis=-1) if spec.kind == "tagging" else outputs
        made["label"], made["prediction"] = ([row.tolist() for row in rows] for rows in by_word(values, labels))
    elif spec.kind == "regression":
        made["label"], made["prediction"] = table["label"], outputs[:, 0]
    else:
        made["label"], made["prediction"] = table["label"], outputs.argmax(axis=-1)
        for number, name in enumerate(spec.labels):
            made[f"probability_{name}"] = classification.probabilities(outputs)[:, number]
    made.sort_index().to_parquet(path, index=False)
