"""Which examples every step sees: a pure function of (seed, step), so that a resume needs no state.

A plan is a sequence of batches over all processes. A batch never crosses the end of an epoch, so an epoch's last batch
may be smaller. Length warm-up is a first phase on shorter examples, with epochs of its own; batch warm-up makes the
first batches smaller (both ours in form; sources: BERT's 90% of steps at 128 tokens, Cramming's ramp of the batch).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from torch.utils.data import Sampler

from scriptorium.engine.spec import BatchWarmup

Key = tuple[int, int, int]  # (phase, epoch, index)


class EpochSampler(Sampler):
    """Yields (epoch, index): a permutation that is a pure function of (seed, epoch).

    The pair travels to the data set, so that masks can depend on the epoch without any state in the workers.
    With `lengths`, batches hold examples of similar length: of every WINDOW batches of the permutation the examples
    are sorted, then the batches are permuted. Little padding, and still a random order.
    """

    WINDOW = 16  # batches: enough to halve the padding, few enough to leave batches mixed

    def __init__(
        self, length: int, seed: int, lengths: np.ndarray | None = None, batch_size: int = 1, shuffle: bool = True
    ):
        self.length, self.seed, self.epoch, self.shuffle = length, seed, 0, shuffle
        self.lengths, self.batch_size = lengths, batch_size

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter([(self.epoch, int(index)) for index in self.order(self.epoch)])

    def order(self, epoch: int) -> np.ndarray:
        """The examples of an epoch, int64 [length]."""
        if not self.shuffle:
            return np.arange(self.length)
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(self.length)
        return order if self.lengths is None else self._by_length(order, generator)

    def _by_length(self, order: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        whole = self.length - self.length % self.batch_size  # the rest is the last, smaller batch
        batches = []
        for start in range(0, whole, self.WINDOW * self.batch_size):
            window = order[start : min(start + self.WINDOW * self.batch_size, whole)]
            window = window[np.argsort(self.lengths[window], kind="stable")]
            batches += list(window.reshape(-1, self.batch_size))
        return np.concatenate([*(batches[i] for i in generator.permutation(len(batches))), order[whole:]])


@dataclass(frozen=True)
class Phase:
    """Steps up to `stop` (None: to the end) that draw from one data set."""

    sampler: EpochSampler
    stop: int | None = None


@dataclass(frozen=True)
class Plan:
    """The batches of a run. sizes(steps): the batch sizes of the steps (counted from 0) in an array, both int64."""

    phases: Sequence[Phase]
    sizes: Callable[[np.ndarray], np.ndarray]

    def batches(self, start: int = 0) -> Iterator[list[Key]]:
        """The batches from step `start` on, without end: lists of (phase, epoch, index)."""
        for phase, epoch, first, bounds in self._epochs():
            if first + len(bounds) - 1 <= start:
                continue
            order = self.phases[phase].sampler.order(epoch)
            for step in range(max(first, start), first + len(bounds) - 1):
                chosen = order[bounds[step - first] : bounds[step - first + 1]]
                yield [(phase, epoch, int(index)) for index in chosen]

    def examples(self, steps: int) -> list[int]:
        """How many examples the first `steps` steps see, for each phase."""
        seen = [0] * len(self.phases)
        for phase, _, first, bounds in self._epochs():
            if first >= steps:
                break
            seen[phase] += int(bounds[min(steps - first, len(bounds) - 1)])
        return seen

    def _epochs(self) -> Iterator[tuple[int, int, int, np.ndarray]]:
        """(phase, epoch, first step, where its batches begin and the last one ends in the epoch's order)."""
        first = 0
        for number, phase in enumerate(self.phases):
            for epoch in count():
                if phase.stop is not None and first >= phase.stop:
                    break
                bounds = self._bounds(first, phase.sampler.length)
                if phase.stop is not None:
                    bounds = bounds[: phase.stop - first + 1]
                yield number, epoch, first, bounds
                first += len(bounds) - 1

    def _bounds(self, first: int, length: int) -> np.ndarray:
        """Bounds of the batches of an epoch of `length` examples that begins at step `first`, int64 [batches + 1]."""
        size = int(self.sizes(np.array([first]))[0])  # batches may only grow, so these steps are enough
        ends = np.cumsum(self.sizes(np.arange(first, first + -(-length // size))))
        ends = ends[: np.searchsorted(ends, length) + 1]
        return np.concatenate([[0], np.minimum(ends, length)])


def batch_sizes(batch_size: int, warmup: BatchWarmup | None, steps: int) -> Callable[[np.ndarray], np.ndarray]:
    """The function `sizes` of a Plan for a run of `steps` steps."""
    ramp = round(warmup.share * steps) if warmup else 0

    def sizes(at: np.ndarray) -> np.ndarray:
        if not ramp:
            return np.full(len(at), batch_size)
        stages = warmup.stages or ramp
        reached = np.minimum(at * stages // ramp, stages)
        return warmup.start + (batch_size - warmup.start) * reached // stages

    return sizes


def share(batch: list[Key], parts: int) -> list[list[Key]]:
    """A batch in `parts` parts whose sizes differ by at most one; with fewer examples than parts some are empty."""
    ends = [len(batch) * part // parts for part in range(parts + 1)]
    return [batch[start:stop] for start, stop in pairwise(ends)]
