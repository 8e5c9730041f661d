"""Held-out measures that several objectives share: from sums per example, or from the loss of every prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.order import TENTHS, tenths_of

if TYPE_CHECKING:
    import transformers


def of_sums(predicted: transformers.EvalPrediction) -> dict[str, float]:
    """loss (nats), perplexity and accuracy over all predicted tokens of the set, from sums per block."""
    summed_loss, correct = predicted.predictions[:2]
    count = int((predicted.label_ids != IGNORED).sum())
    loss = float(summed_loss.astype(np.float64).sum()) / count
    return {"loss": loss, "perplexity": float(np.exp(loss)), "accuracy": float(correct.sum()) / count}


def of_predictions(predicted: transformers.EvalPrediction) -> dict[str, float]:
    """loss (nats), perplexity and accuracy over all predictions of the set, and the loss by order of prediction.

    loss_by_rank/1 .. /10: mean loss of each tenth of the order (order.py); loss_by_rank_error/1 .. /10: the
    standard errors of these means, as if predictions were independent.
    """
    losses, correct = (np.asarray(each) for each in predicted.predictions[:2])
    labelled = predicted.label_ids != IGNORED
    count = int(labelled.sum())
    loss = float(losses[labelled].astype(np.float64).sum()) / count
    found = {"loss": loss, "perplexity": float(np.exp(loss)), "accuracy": float((correct[labelled] == 1).sum()) / count}
    tenths = tenths_of(labelled)
    for number in TENTHS:
        chosen = labelled & (tenths == number)
        if chosen.any():
            part_losses = losses[chosen].astype(np.float64)
            found[f"loss_by_rank/{number}"] = float(part_losses.mean())
            found[f"loss_by_rank_error/{number}"] = float(part_losses.std() / np.sqrt(len(part_losses)))
    return found
