"""Which tokens are hidden and by what: pure functions of a generator (draws.py)."""

from __future__ import annotations

import numpy as np


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
