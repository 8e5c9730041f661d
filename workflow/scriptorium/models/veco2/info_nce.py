"""InfoNCE: minus the log probability of the right one among candidates, by similarity (van den Oord et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor


def losses(right: Tensor, others: Tensor) -> Tensor:
    """Nats [n]. right [n]: similarity, over the temperature, to the right candidate · others [n, m]: to the others,
    -inf for those that do not count. Without any other the loss is 0."""
    return torch.cat([right[:, None], others], 1).logsumexp(1) - right  # the right one is there, so no row is empty


@torch.no_grad()
def best(right: Tensor, others: Tensor) -> Tensor:
    """Whether the right one is more similar than all others that count, bool [n]."""
    return (others < right[:, None]).all(1)
