"""A slow encoder and a queue of its vectors: negatives from many batches before this one (MoCo, He et al. 2020; of
sentences: InfoXLM, docs/papers/veco.md section 5.1).

The slow weights begin as a copy of the encoder's, at the first step that needs them, and then move towards them:
slow = m slow + (1 - m) weights, once for every bilingual micro-batch (ours). The queue has a ring for each side. All of
it is part of a checkpoint and no part of the saved model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from scriptorium.models.veco.model import VecoConfig, VecoModel


class Momentum(nn.Module):
    """The slow copy of an encoder and of a projection, and so many vectors of each side."""

    x: Tensor
    y: Tensor
    count: Tensor

    def __init__(self, config: VecoConfig, projection: nn.Module, size: int):
        super().__init__()
        self.encoder, self.projection = VecoModel(config, add_pooling_layer=False), projection
        self.requires_grad_(False)
        for side in "xy":
            self.register_buffer(side, torch.zeros(size, config.hidden_size))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))  # vectors that ever came in

    @torch.no_grad()
    def follow(self, encoder: nn.Module, projection: nn.Module, momentum: float) -> None:
        """Move towards these weights; the first time, become them."""
        share = 1 - momentum if self.count else 1.0
        for slow, fast in ((self.encoder, encoder), (self.projection, projection)):
            for mine, theirs in zip(slow.parameters(), fast.parameters(), strict=True):
                mine.lerp_(theirs, share)

    @property
    def filled(self) -> int:
        """Vectors of a side in the queue."""
        return min(int(self.count), len(self.x))

    def negatives(self, side: int) -> Tensor:
        """The queue of a side (0: x), [filled, d]; a copy, because the step's own vectors replace some of it."""
        return (self.x, self.y)[side][: self.filled].clone()

    @torch.no_grad()
    def push(self, vectors: Tensor) -> None:
        """Put vectors [2, n, d] into the queue, the oldest ones go."""
        size, number = len(self.x), vectors.shape[1]
        places = (int(self.count) + torch.arange(number, device=vectors.device))[-size:] % size
        for queue, own in zip((self.x, self.y), vectors, strict=True):
            queue[places] = own[-size:].to(queue)
        self.count += number
