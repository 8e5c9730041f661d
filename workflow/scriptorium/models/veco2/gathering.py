"""Vectors of all processes, with gradients: the candidates of a contrast are those of the whole batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, distributed
from torch.nn import functional

from scriptorium.engine import processes


def counts(values: Sequence[Tensor]) -> Tensor:
    """Whole numbers of each process, int64 [processes, values]."""
    own = torch.stack([value.long() for value in values])
    if processes.world() == 1:
        return own[None]
    found = [torch.empty_like(own) for _ in range(processes.world())]
    distributed.all_gather(found, own)
    return torch.stack(found)


def gathered(rows: Tensor, sizes: Sequence[int]) -> Tensor:
    """Rows [sum of sizes, d] of all processes in their order; `rows` [n, d] are this one's. Every process gets the
    gradient that all of them have with respect to its rows."""
    return rows if processes.world() == 1 else _Gathered.apply(rows, tuple(sizes))


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(context, rows: Tensor, sizes: tuple[int, ...]) -> Tensor:
        context.own = slice(sum(sizes[: processes.rank()]), sum(sizes[: processes.rank() + 1]))
        sent = functional.pad(rows, (0, 0, 0, max(sizes) - len(rows)))
        parts = [torch.empty_like(sent) for _ in sizes]
        distributed.all_gather(parts, sent)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        summed = gradient.contiguous().clone()
        distributed.all_reduce(summed)
        return summed[context.own], None
