"""A model's outputs by their names, and by the words that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.tasks.examples import IGNORED


def named_outputs(labels: Sequence[str]) -> dict[str, Any]:
    """One output per label, as a configuration of transformers names them."""
    names = dict(enumerate(labels))
    return {"id2label": names, "label2id": {name: number for number, name in names.items()}}


def of_words(table: pd.DataFrame, outputs: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """id, label, prediction, indexed as `table`: lists over the words, or of lists over measures.

    outputs, labels: [n, L] or [n, L, measures], by piece. A word's are those at its first piece, at all others labels
    are IGNORED.
    """
    scored = labels != IGNORED if labels.ndim == 2 else (labels != IGNORED).all(axis=-1)
    made = table[["id"]].copy()
    for name, values in (("label", labels), ("prediction", outputs)):
        made[name] = [row[keep].tolist() for row, keep in zip(values, scored, strict=True)]
    return made
