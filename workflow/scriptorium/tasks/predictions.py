"""A fine-tuned model's outputs: measured against the labels, and written down, for every kind of task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.tasks.kinds import classification
from scriptorium.tasks.kinds.examples import IGNORED

if TYPE_CHECKING:
    from scriptorium.tasks.labelled import Labelled
    from scriptorium.tasks.spec import FinetuneSpec


def measures(
    spec: FinetuneSpec,
    data: Labelled,
    outputs: np.ndarray | tuple[np.ndarray, ...],
    labels: np.ndarray,
    threshold: float | None = None,
) -> dict[str, float]:
    """The task's metrics.

    outputs: logits [n, classes] or [n, options], values [n, 1], for words [n, L, tags] or [n, L, measures], for
    windows the two logits ([n, L], [n, L]); labels [n], [n, L], [n, L, measures], or as the data set says.
    IGNORED at pieces that are not scored. threshold: see `question_answering.table`.
    """
    if spec.kind == "classification":
        return classification.classification(labels, outputs.argmax(axis=-1), len(spec.labels))
    if spec.kind == "regression":
        return classification.regression(labels, outputs[:, 0])
    if spec.kind == "tagging":
        from scriptorium.tasks.kinds import tagging

        return tagging.measures(*by_word(outputs.argmax(axis=-1), labels), spec.labels)
    if spec.kind == "gaze":
        from scriptorium.tasks.kinds import word_measures

        return word_measures.measures(*by_word(outputs, labels), spec.labels)
    made = tabulated(spec, data, outputs, labels, threshold)
    if spec.kind == "question_answering":
        from scriptorium.tasks.kinds import question_answering

        return question_answering.measures(made)
    from scriptorium.tasks.kinds import multiple_choice

    return multiple_choice.measures(made, spec.labels)


def tabulated(
    spec: FinetuneSpec,
    data: Labelled,
    outputs: np.ndarray | tuple[np.ndarray, ...],
    labels: np.ndarray,
    threshold: float | None = None,
) -> pd.DataFrame:
    """One row per example with at least id, label and prediction, indexed as `data.table`; arguments of `measures`."""
    table = data.table
    if spec.kind == "question_answering":
        from scriptorium.tasks.kinds import answer_spans, question_answering

        spans, gaps = answer_spans.decode(data, *outputs, spec.answers)
        answers = [[text for text, _ in row] for row in table["label"]]
        return question_answering.table(table["id"], answers, spans, gaps, threshold).set_index(table.index)
    if spec.kind == "multiple_choice":
        from scriptorium.tasks.kinds import multiple_choice

        return multiple_choice.table(table, outputs, labels, spec.labels)
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
    return made


def by_word(outputs: np.ndarray, labels: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(labels, predictions) of each example's scored pieces, which are the first pieces of its words."""
    scored = labels != IGNORED if labels.ndim == 2 else (labels != IGNORED).all(axis=-1)
    return [row[keep] for row, keep in zip(labels, scored, strict=True)], [
        row[keep] for row, keep in zip(outputs, scored, strict=True)
    ]


def write(made: pd.DataFrame, path: Path) -> None:
    """predictions.parquet in the order of the test file, whatever the order in which it was predicted."""
    made.sort_index().to_parquet(path, index=False)
