"""The order of prediction, in tenths: losses are shown by it, whatever the number of predictions of a block."""

from __future__ import annotations

import numpy as np

TENTHS = range(1, 11)  # of the order of prediction


def loss_column(tenth: int) -> str:
    """Where a table of held-out examples keeps the summed loss of a tenth."""
    return f"loss_{tenth}"


def predicted_column(tenth: int) -> str:
    """Where it keeps how many predictions the tenth has."""
    return f"predicted_{tenth}"


def tenths_of(counted: np.ndarray) -> np.ndarray:
    """The tenth [N, K] of the order that each prediction belongs to: rank i of k to ceil(10 i / k).

    counted: bool [N, K], which slots hold a prediction.
    """
    rank = np.arange(1, counted.shape[1] + 1)
    slots = np.where(counted, rank, 0).max(1, keepdims=True)
    return np.ceil(len(TENTHS) * rank / np.maximum(slots, 1))
