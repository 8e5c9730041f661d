"""The loader: a plan's batches, cut into micro-batches for processes and gradient accumulation (ours).

Every process draws its part of the same global batch. A part that would be empty holds the batch's first example with
weight 0, because all processes must take part in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from scriptorium.engine import processes
from scriptorium.engine.plan import Key, Plan, share


@dataclass(frozen=True)
class Part:
    """A micro-batch: its examples, whether they count, and the phase and size of the batch that it belongs to."""

    keys: Sequence[Key]
    counts: bool
    phase: int
    examples: int


@dataclass(frozen=True)
class Micro:
    """A micro-batch as the loader gives it: tensors, how many terms its mean loss is over, and its part."""

    inputs: dict[str, torch.Tensor]
    terms: int
    part: Part

    def pin_memory(self) -> Micro:
        """For the loader, where a GPU is there."""
        pinned = {name: value.pin_memory() for name, value in self.inputs.items()}
        return Micro(pinned, self.terms, self.part)


class Parts(Sampler):
    """The micro-batches of this process from step `start` on; `steps` is the length of the whole run."""

    def __init__(self, plan: Plan, steps: int, accumulation: int, start: int = 0):
        self.plan, self.steps, self.accumulation, self.start = plan, steps, accumulation, start

    def __len__(self) -> int:
        return self.steps * self.accumulation

    def __iter__(self) -> Iterator[Part]:
        world, rank = processes.world(), processes.rank()
        batches = self.plan.batches(self.start)
        for _ in range(self.start, self.steps):
            batch = next(batches)
            for keys in share(batch, self.accumulation * world)[rank::world]:
                yield Part(keys or batch[:1], bool(keys), batch[0][0], len(batch))


class Collated(Dataset):
    """Micro-batches by part: data[phase][(epoch, index)] put together by `collate`; terms(inputs) counts."""

    def __init__(self, data: Sequence[Dataset], collate: Callable, terms: Callable[[dict[str, Any]], int]):
        self.data, self.collate, self.terms = data, collate, terms

    def __len__(self) -> int:
        return len(self.data[-1])

    def __getitem__(self, part: Part) -> Micro:
        inputs = dict(self.collate([self.data[phase][(epoch, index)] for phase, epoch, index in part.keys]))
        return Micro(inputs, self.terms(inputs) if part.counts else 0, part)


def micro_batches(batch_size: int, micro_batch: int | None) -> int:
    """Into how many micro-batches a process cuts its share of a batch, so that none has more examples than that."""
    most = -(-batch_size // processes.world())
    return -(-most // min(micro_batch or most, most))


def loader(data: Collated, parts: Parts, *, workers: int, pin: bool) -> DataLoader:
    """Its own generator keeps the number of epochs and workers out of the dropout's random numbers."""
    return DataLoader(
        data,
        sampler=parts,
        batch_size=None,
        collate_fn=_as_it_is,
        num_workers=workers,
        pin_memory=pin,
        generator=torch.Generator(),
    )


def labelled(inputs: dict[str, Any]) -> int:
    """How many labels count: what a mean loss is over, unless the objective says otherwise."""
    return int((inputs["labels"] != -100).sum())


def _as_it_is(micro: Micro) -> Micro:
    return micro
