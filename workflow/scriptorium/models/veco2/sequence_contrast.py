"""Contrast between sentences: a text is to be nearer to its translation than to other texts of the batch.

    L = 1/2 [ -log exp(s(x_i, y_i)) / sum_j exp(s(x_i, y_j))  +  the same with x and y exchanged ]      mean over pairs
    s(x, y) = (z_x . z_y - margin, of the pair itself alone) / temperature

A reconstruction (docs/papers/veco.md section 5.1): that sentences of a pair are drawn together and others apart is the
paper's; which vector, which negatives and every number are ours. InfoXLM's form is a queue and vectors that are not
normalised, LaBSE's a margin and negatives from the batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from scriptorium.models.veco2 import info_nce


@dataclass(frozen=True)
class Sequence:
    """Its settings; SequenceSpec in models/veco2/spec.py describes them. layer: counted from 0, the embeddings."""

    pool: str
    projection: str
    normalised: bool
    temperature: float
    margin: float
    layer: int
    in_batch: bool
    queue: int
    momentum: float
    waits: bool

    def projected(self, width: int) -> nn.Module:
        """A new projection of vectors [.., width]."""
        if self.projection == "none":
            return nn.Identity()
        one = nn.Linear(width, width)
        return one if self.projection == "linear" else nn.Sequential(one, nn.GELU(), nn.Linear(width, width))

    def finished(self, vectors: Tensor) -> Tensor:
        """What is compared, in float32 or better."""
        vectors = vectors.to(torch.promote_types(vectors.dtype, torch.float32))
        return functional.normalize(vectors, dim=-1) if self.normalised else vectors


def contrast(
    own: Tensor, keys: Tensor, start: int, how: Sequence, queues: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, Tensor]:
    """(nats, share of the two directions in which the translation is the most similar), both [n].

    own [2, n, d]: vectors of n pairs · keys [2, N, d]: of all pairs of the batch, of which n from `start` on are these
    · queues: further negatives, texts of x and of y, [Q, d] each. The margin does not count for what is most similar.
    """
    count = own.shape[1]
    rows = torch.arange(count, device=own.device)
    losses, found = [], []
    for side in (0, 1):
        theirs = keys[1 - side]
        if how.in_batch:
            others = own[side] @ theirs.T
            right = others[rows, start + rows]
            others = others.index_put((rows, start + rows), others.new_tensor(-math.inf))  # no negative of itself
        else:
            right = (own[side] * theirs[start : start + count]).sum(-1)
            others = own.new_empty(count, 0)
        if queues is not None:
            others = torch.cat([others, own[side] @ queues[1 - side].T], 1)
        losses.append(info_nce.losses((right - how.margin) / how.temperature, others / how.temperature))
        found.append(info_nce.best(right, others))
    return torch.stack(losses).mean(0), torch.stack(found).to(own.dtype).mean(0)
