"""Random numbers of examples: generators that are pure functions of (seed, epoch, index). So batch size, order,
number of workers and a resume never change what is hidden.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

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
