"""Steps on examples of two kinds, and of several groups within a kind: a pure function of (seed, step) (ours).

Every step is of one kind, all its micro-batches and processes; the second kind has a fixed share of the steps, spread
evenly. Within a kind, groups (languages, pairs of languages) are drawn with given probabilities: every round of a kind
has a fixed number of examples of each group, in a random order. A group goes through its own examples again and again,
in a new order each time, and an example comes with the number of the pass over its group, so that what is hidden is
new in each pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scriptorium.engine.plan import Key
from scriptorium.errors import UserError


@dataclass(frozen=True)
class Mixture:
    """What a data set says of its examples.

    groups: the group of each example, int [examples] · second: whether a group is of the second kind, bool [groups]
    · weights: how often it is drawn among those of its kind, float [groups] · share: of the steps, of the second kind
    · tokens: of each example without padding, int [examples].
    """

    groups: np.ndarray
    second: np.ndarray
    weights: np.ndarray
    share: float
    tokens: np.ndarray

    def of_kind(self, kind: int) -> np.ndarray:
        """The examples of a kind (0 or 1), in their order, int64."""
        return np.flatnonzero(self.second[self.groups] == bool(kind))

    def check(self) -> None:
        """Raises UserError where steps are asked for of a kind that has no examples."""
        for kind, share in enumerate((1 - self.share, self.share)):
            if share and not len(self.of_kind(kind)):
                name = ("monolingual", "bilingual")[kind]
                raise UserError(
                    f"there are no {name} blocks for {share:g} of the steps",
                    where="objective.mixture",
                    remedy="give more text of this kind, or change mixture.bilingual",
                )


class Draws:
    """The examples of one kind, drawn without end."""

    def __init__(self, mixture: Mixture, kind: int, seed: int):
        self.seed, self.kind = seed, kind
        here = [number for number in np.unique(mixture.groups) if mixture.second[number] == bool(kind)]
        self.members = {int(number): np.flatnonzero(mixture.groups == number) for number in here}
        self.counts = dict(zip(self.members, _rounded(mixture, here), strict=True))  # in a round, of each group
        self.length = sum(self.counts.values())
        self._last: list = [None, None, None]  # number of the last round, and what it holds

    def take(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """(pass, example) of the draws from `start` on, before `stop`."""
        while start < stop:
            number, place = divmod(start, self.length)
            passes, examples = self._round(number)
            end = min(self.length, place + stop - start)
            yield from zip(passes[place:end].tolist(), examples[place:end].tolist(), strict=True)
            start += end - place

    def _round(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """(passes, examples) of a round, int64 [length] each; the last one is remembered."""
        if self._last[0] != number:
            parts = [self._of_group(group, number) for group in self.members]
            order = np.random.default_rng([self.seed, self.kind, number]).permutation(self.length)
            self._last[:] = number, *(np.concatenate(column)[order] for column in zip(*parts, strict=True))
        return self._last[1], self._last[2]

    def _of_group(self, group: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        members, count = self.members[group], self.counts[group]
        passes, places = np.divmod(np.arange(number * count, (number + 1) * count), len(members))
        examples = np.empty(count, dtype=np.int64)
        for each in np.unique(passes):
            order = np.random.default_rng([self.seed, self.kind, group, int(each)]).permutation(members)
            examples[passes == each] = order[places[passes == each]]
        return passes, examples


@dataclass(frozen=True)
class MixedPlan:
    """The batches of a run on a mixture, as engine/plan.py's Plan; the kind takes the place of the phase."""

    mixture: Mixture
    sizes: Callable[[np.ndarray], np.ndarray]
    seed: int

    def batches(self, start: int = 0) -> Iterator[list[Key]]:
        """The batches from step `start` on, without end: lists of (kind, pass, index)."""
        draws = {kind: Draws(self.mixture, kind, self.seed) for kind in (0, 1) if len(self.mixture.of_kind(kind))}
        seen, step = self.examples(start), start
        while True:
            at = np.array([step])
            kind, size = int(self.kinds(at)[0]), int(self.sizes(at)[0])
            yield [(kind, each, index) for each, index in draws[kind].take(seen[kind], seen[kind] + size)]
            seen[kind] += size
            step += 1

    def examples(self, steps: int) -> list[int]:
        """How many examples of each kind the first `steps` steps see."""
        at = np.arange(steps)
        sizes, second = self.sizes(at), self.kinds(at) == 1
        return [int(sizes[~second].sum()), int(sizes[second].sum())]

    def kinds(self, steps: np.ndarray) -> np.ndarray:
        """The kind of each step, int64: 1 where the share, added up step by step, passes a whole number."""
        share, first = self.mixture.share, self._first
        return (np.floor(first + share * (steps + 1)) - np.floor(first + share * steps)).astype(np.int64)

    @cached_property
    def _first(self) -> float:
        return float(np.random.default_rng([self.seed, 2]).random())


def _rounded(mixture: Mixture, groups: list[int]) -> list[int]:
    """How many examples of each group a round has: about as many in all as there are, by weight, at least one each."""
    weights = np.array([mixture.weights[number] for number in groups])
    total = sum(int((mixture.groups == number).sum()) for number in groups)
    return [max(1, round(float(total * weight))) for weight in weights / weights.sum()]
