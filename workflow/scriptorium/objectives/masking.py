"""Which tokens are hidden and by what: pure functions of a generator, and generators that are pure functions of
(seed, epoch, index). So batch size, order, number of workers and a resume never change a mask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from scriptorium.data.blocks import Blocks

IGNORED = -100  # a label that the loss leaves out

Draws = Callable[[int, int], np.random.Generator]  # (epoch, index) -> generator


def training_draws(seed: int) -> Draws:
    """New masks in every epoch (dynamic masking, as in RoBERTa)."""
    return lambda epoch, index: np.random.default_rng([seed, epoch, index])


def held_out_draws() -> Draws:
    """Masks of held-out blocks: the same in every epoch and for every seed, so that losses can be compared (ours).

    The fourth number makes the stream differ from every training stream, which ends in an implicit zero.
    """
    return lambda _epoch, index: np.random.default_rng([0, 0, index, 1])


def choose(maskable: np.ndarray, rate: float, generator: np.random.Generator) -> np.ndarray:
    """Positions to predict, ascending, int64 [k], drawn evenly from those where `maskable` (bool [L]) holds.

    k = max(1, round(rate * number of maskable positions)): an exact count as in BERT. BERT's share is of all tokens,
    [CLS] and [SEP] included, and capped by max_predictions_per_seq; ours is of the maskable ones, without a cap.
    """
    candidates = np.flatnonzero(maskable)
    count = min(len(candidates), max(1, round(rate * len(candidates))))
    return np.sort(generator.choice(candidates, count, replace=False))


def corrupt(tokens: np.ndarray, *, mask_id: int, ordinary: np.ndarray, mask: float, random: float,
            generator: np.random.Generator) -> np.ndarray:  # fmt: skip
    """What stands in for the predicted `tokens` [k]: each one by itself [MASK], a random token, or the token itself.

    `mask` and `random` are the shares of the first two (BERT: 0.8 and 0.1). Random tokens are drawn evenly from
    `ordinary`, the vocabulary without special tokens (ours; BERT draws from all of it).
    """
    draw = generator.random(len(tokens))
    replacement = ordinary[generator.integers(len(ordinary), size=len(tokens))]
    return np.where(draw < mask, mask_id, np.where(draw < mask + random, replacement, tokens)).astype(tokens.dtype)


def log_frequencies(train: Blocks, tokenizer: Any, *, specials: bool = False) -> np.ndarray:
    """Log share of every token among the ordinary tokens of `train`, float64 [vocabulary], add-one smoothed.

    Special tokens count as unseen, unless they are predicted (`specials`).
    """
    counts = train.token_counts(len(tokenizer))
    if not specials:
        counts[tokenizer.all_special_ids] = 0
    return np.log((counts + 1) / (counts + 1).sum())


def unigram_loss(data: Dataset, log_frequency: np.ndarray) -> float:
    """Mean loss (nats) at the predicted tokens of `data` if one guesses by `log_frequencies` of the training text.

    The honest yardstick: a model above it has learnt nothing about context.
    """
    labels = np.concatenate([data[index]["labels"] for index in range(len(data))])
    labels = labels[labels != IGNORED]
    return float(-log_frequency[labels].mean())
