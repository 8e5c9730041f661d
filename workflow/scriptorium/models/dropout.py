"""Dropout that costs little on a CPU: torch draws its masks there number by number, a sixth of a small model's step.

The masks have the same distribution (the share that is kept is a multiple of 1/65536, and the scale is its exact
inverse, so the mean stays), but come from a faster generator (ours). It is seeded by one draw from torch's own, so a
run repeats, and resumes, as before. On a GPU, and inside torch.compile, dropout is torch's.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS = 1 << 16  # random numbers have 16 bits


class Dropout(nn.Dropout):
    """nn.Dropout with these masks."""

    def forward(self, values: Tensor) -> Tensor:
        return dropout(values, self.p) if self.training else values


def dropout(values: Tensor, rate: float) -> Tensor:
    """`values` with a share `rate` of them set to 0 and the others scaled by 1 / (1 - rate)."""
    if not rate:
        return values
    if not own_masks(values):
        return functional.dropout(values, rate)
    return values * noise(values.shape, rate, values.dtype)


def own_masks(values: Tensor) -> bool:
    """Whether masks for these values come from here."""
    return values.device.type == "cpu" and not torch.compiler.is_compiling()


def noise(shape: torch.Size, rate: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor of this shape: 0 with probability `rate` (to 1/65536), else 1 / (1 - rate)."""
    kept = max(1, round((1 - rate) * STEPS))
    count = math.prod(shape)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.SFC64(seed).random_raw(-(-count // 4))  # 64 bits each
    draws = torch.from_numpy(words.view(np.int16)[:count]).view(shape)
    zero, scale = torch.zeros((), dtype=dtype), torch.tensor(STEPS / kept, dtype=dtype)
    return torch.where(draws < kept - STEPS // 2, scale, zero)


def use(model: nn.Module) -> None:
    """Let all of a model's dropout layers draw these masks."""
    for module in model.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout
