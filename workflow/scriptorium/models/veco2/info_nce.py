"""InfoNCE: minus the log probability of the right one among candidates, by similarity (van den Oord et al. 2018)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def losses(right: Tensor, others: Tensor, among: Tensor) -> tuple[Tensor, Tensor]:
    """(nats, whether the right one is more similar than all others: bool), both [n].

    right [n]: similarity, over the temperature, to the right candidate · others [n, m]: to the others, of which those
    count where `among` (bool [n, m]) holds. Without any other the loss is 0.
    """
    others = others.masked_fill(~among, -math.inf)
    candidates = torch.cat([right[:, None], others], 1)  # the right one is there, so no row is empty
    return candidates.logsumexp(1) - right, (others < right[:, None]).all(1)
