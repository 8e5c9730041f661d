"""Which tokens are hidden and by what: pure functions of a generator, and generators that are pure functions of
(seed, epoch, index). So batch size, order, number of workers and a resume never change a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from torch.utils.data import Dataset

    from scriptorium.text.blocks import Blocks

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


def static(draws: Draws, copies: int) -> Draws:
    """So many maskings of every example, in turn: the masks of an epoch come back `copies` epochs later."""
    return lambda epoch, index: draws(epoch % copies, index)


def count_of(tokens: int, rate: float, most: int | None = None) -> int:
    """How many of so many tokens are predicted: max(1, round(rate * tokens)), but not more than `most`."""
    count = max(1, round(rate * tokens))
    return count if most is None else min(count, most)


def choose(maskable: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """`count` positions to predict, ascending, int64 [k], drawn evenly from those where `maskable` (bool [L]) holds.

    If there are fewer, all of them.
    """
    candidates = np.flatnonzero(maskable)
    return np.sort(generator.choice(candidates, min(count, len(candidates)), replace=False))


def choose_words(maskable: np.ndarray, first: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """The same by whole words, as BERT's whole-word variant: at most `count` positions, ascending, int64 [k].

    first [L]: where a word begins. Words are taken in random order; one whose pieces would exceed the count is left
    out, and a later, shorter one may still fit.
    """
    candidates = np.flatnonzero(maskable)
    words = np.split(candidates, np.flatnonzero(first[candidates])[1:]) if len(candidates) else []
    chosen: list[int] = []
    for number in generator.permutation(len(words)):
        if len(chosen) + len(words[number]) <= count:
            chosen += words[number].tolist()
    return np.array(sorted(chosen), dtype=np.int64)


def word_beginnings(input_ids: np.ndarray, starts: np.ndarray, special: np.ndarray) -> np.ndarray:
    """Where words begin in a block, bool [L]; `starts` and `special` say it of each token id [vocabulary].

    A special token is a word of its own, and so is what goes on behind it with a word of the block before.
    """
    first = starts[input_ids] | special[input_ids]
    first[1:] |= special[input_ids[:-1]]
    return first


def corrupt(
    tokens: np.ndarray,
    *,
    mask_id: int,
    ordinary: np.ndarray,
    mask: float,
    random: float,
    generator: np.random.Generator,
) -> np.ndarray:
    """What stands in for the predicted `tokens` [k]: each one by itself [MASK], a random token, or the token itself.

    `mask` and `random` are the shares of the first two (BERT: 0.8 and 0.1). Random tokens are drawn evenly from
    `ordinary`: the vocabulary without special tokens (ours), or all of it (BERT).
    """
    draw = generator.random(len(tokens))
    replacement = ordinary[generator.integers(len(ordinary), size=len(tokens))]
    return np.where(draw < mask, mask_id, np.where(draw < mask + random, replacement, tokens)).astype(tokens.dtype)


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


def batches(fills: Mapping[str, int]) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch: of every array that they and `fills` have, one int64 tensor [B, W], rows
    filled up with the number that `fills` names."""

    def batch(examples: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        names = [name for name in fills if name in examples[0]]
        return {name: _stack([example[name] for example in examples], fills[name]) for name in names}

    return batch


def _stack(rows: Sequence[np.ndarray], fill: int) -> torch.Tensor:
    """int64 [B, W] from rows of up to W numbers, filled up with `fill`."""
    out = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(out)
