"""Frequencies of the training tokens: where an output bias may start, and the yardstick of every loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scriptorium.objectives.labels import IGNORED

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from scriptorium.text.blocks import Blocks


def log_frequencies(train: Blocks, tokenizer: Any, *, specials: bool | Sequence[int] = False) -> np.ndarray:
    """Log share of every token among the ordinary tokens of `train`, float64 [vocabulary], add-one smoothed.

    Special tokens count as unseen, unless they are predicted: `specials` says whether, or which of them.
    """
    counts = train.token_counts(len(tokenizer))
    if train.padded:
        counts[tokenizer.pad_token_id] = 0
    if specials is not True:
        counts[[number for number in tokenizer.all_special_ids if number not in (specials or ())]] = 0
    return np.log((counts + 1) / (counts + 1).sum())


def unigram_loss(data: Dataset, log_frequency: np.ndarray) -> float:
    """Mean loss (nats) at the predicted tokens of `data` if one guesses by `log_frequencies` of the training text.

    The honest yardstick: a model above it has learnt nothing about context.
    """
    labels = np.concatenate([data[index]["labels"] for index in range(len(data))])
    labels = labels[labels != IGNORED]
    return float(-log_frequency[labels].mean())
