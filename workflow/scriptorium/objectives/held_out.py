"""What a model does with each held-out example: so that variants are compared example by example."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import transformers

from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.order import TENTHS, loss_column, predicted_column, tenths_of


class Remembered:
    """An objective's measures, which remember the table of the last evaluation."""

    def __init__(self, measures: Callable[[transformers.EvalPrediction], dict[str, float]]):
        self.measures = measures
        self.table: pd.DataFrame | None = None

    def __call__(self, predicted: transformers.EvalPrediction) -> dict[str, float]:
        self.table = table_of_examples(predicted)
        return self.measures(predicted)


def table_of_examples(predicted: transformers.EvalPrediction) -> pd.DataFrame:
    """One row per held-out example, in the order of the data: loss (summed over its predictions, nats), predicted
    (how many), correct (how many of these); of models that tell the loss of every prediction also the first two for
    each tenth of the order of prediction, loss_1, predicted_1 to loss_10, predicted_10.

    The models' evaluation outputs begin with the loss, summed [N] or of every prediction [N, K], and what was correct
    in the same shape; label_ids [N, K], or a tuple that begins with them.
    """
    losses, correct = (np.asarray(each) for each in predicted.predictions[:2])
    labels = predicted.label_ids[0] if isinstance(predicted.label_ids, tuple) else predicted.label_ids
    counted = np.asarray(labels) != IGNORED
    parts = {}
    if losses.ndim == 2:
        losses, tenths = np.where(counted, losses, 0.0).astype(np.float64), tenths_of(counted)
        for tenth in TENTHS:
            own = counted & (tenths == tenth)
            parts |= {loss_column(tenth): (losses * own).sum(1), predicted_column(tenth): own.sum(1)}
        losses = losses.sum(1)
        correct = ((correct == 1) & counted).sum(1)  # Trainer pads with -100
    return pd.DataFrame(
        {
            "loss": losses.astype(np.float64),
            "predicted": counted.sum(1),
            "correct": correct.astype(np.int64),
            **parts,
        }
    )
