"""A budget becomes a number of steps before training starts, so that a run can be repeated (ours).

Tokens and FLOPs: the most steps that do not exceed the budget. Epochs: as many steps as it takes. Time is the
exception: nobody knows its number of steps, and the run ends when the time is over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.engine.mixture import MixedPlan, Mixture
from scriptorium.engine.plan import EpochSampler, Phase, Plan, batch_sizes
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.search import largest

if TYPE_CHECKING:
    from torch.utils.data import Dataset

UNKNOWN = 10**9  # steps of a run that ends by time


@dataclass(frozen=True)
class Source:
    """Where the examples of a phase, or of a kind of a mixture, come from, and what one costs (None: unknown).

    examples: how many · tokens: input tokens of each, without padding · padded: that is their mean, and differs from
    one to the other · flops: of each, forward and backward · lengths: of each, to put similar ones into a batch.
    mixture: what the kind belongs to.
    """

    examples: int
    tokens: float | None = None
    padded: bool = False
    flops: float | None = None
    lengths: np.ndarray | None = None
    mixture: Mixture | None = None

    @property
    def constant_tokens(self) -> float | None:
        """Input tokens of every example, or None: then what is read must be counted."""
        return None if self.padded else self.tokens


def steps_of(spec: TrainSpec, sources: Sequence[Source]) -> int:
    """The number of optimiser steps that the budget of `spec` pays. sources: one per phase, the main one last; or the
    two kinds of a mixture.

    Raises UserError: the costs that a budget is counted in are unknown here, or it does not pay a single step.
    """
    main = sources[-1]
    if spec.max_steps:
        return spec.max_steps
    if spec.max_seconds:
        return UNKNOWN
    if spec.epochs:
        if not (spec.batch_warmup or spec.length_warmup):
            return math.ceil(spec.epochs * -(-main.examples // spec.batch_size))
        # an epoch is what the main examples hold, whatever the length at which it is read
        cost = [source.tokens / main.tokens if source.tokens else 1.0 for source in sources]
        return _most_steps(spec, sources, cost, spec.epochs * main.examples * (1 - 1e-12)) + 1
    name, budget = ("max_tokens", spec.max_tokens) if spec.max_tokens else ("max_flops", spec.max_flops)
    cost = [getattr(source, name.removeprefix("max_")) for source in sources]
    if None in cost:
        raise UserError(
            f"train.{name} is for pre-training, where the cost of a step is known beforehand",
            remedy="give train.epochs or train.max_steps instead",
        )
    steps = _most_steps(spec, sources, cost, budget * (1 + 1e-12))  # a mean times its count may be rounded up
    if not steps:
        raise UserError(
            f"train.{name} {budget:g} does not pay one step ({_cost(spec, sources, cost, 1):g})",
            remedy="raise it, or lower train.batch_size",
        )
    return steps


def kinds(spec: TrainSpec, data: Dataset, mixture: Mixture, collate: Callable, flops: Callable | None) -> list[Source]:
    """The two kinds of a mixture. Their FLOPs are those of the first examples, as many as a batch has.

    Raises UserError: settings that a mixture has no meaning for, or a kind without examples.
    """
    unfit = {"epochs": spec.epochs, "length_warmup": spec.length_warmup, "shuffle: false": not spec.shuffle}
    if names := [name for name, given in unfit.items() if given]:
        raise UserError(
            f"train.{names[0]} has no meaning where steps are drawn from two kinds of blocks",
            remedy="give the budget as train.max_steps, max_tokens, max_flops or max_seconds, and leave the others out",
        )
    mixture.check()
    sources = []
    for examples in map(mixture.of_kind, (0, 1)):
        first = [data[(0, int(index))] for index in examples[: spec.batch_size]]
        cost = None if flops is None else flops(collate(first)) / len(first) if first else 0.0
        tokens = float(mixture.tokens[examples].mean()) if first else 0.0
        sources.append(Source(len(examples), tokens, padded=True, flops=cost, mixture=mixture))
    return sources


def plan(spec: TrainSpec, sources: Sequence[Source], steps: int, seed: int) -> Plan | MixedPlan:
    """The plan of a run of `steps` steps."""
    if mixture := sources[-1].mixture:
        return MixedPlan(mixture, batch_sizes(spec.batch_size, spec.batch_warmup, steps), seed)
    samplers = [EpochSampler(s.examples, seed, s.lengths, spec.batch_size, shuffle=spec.shuffle) for s in sources]
    stops = [round(spec.length_warmup.share * steps), None] if spec.length_warmup else [None]
    phases = [Phase(sampler, stop) for sampler, stop in zip(samplers, stops, strict=True)]
    return Plan(phases, batch_sizes(spec.batch_size, spec.batch_warmup, steps))


def _cost(spec: TrainSpec, sources: Sequence[Source], cost: Sequence[float], steps: int) -> float:
    seen = plan(spec, sources, steps, seed=0).examples(steps)
    return sum(each * number for each, number in zip(cost, seen, strict=True))


def _most_steps(spec: TrainSpec, sources: Sequence[Source], cost: Sequence[float], budget: float) -> int:
    """The most steps that cost at most `budget`. The warm-ups stretch with the number of steps, hence the search."""
    return largest(lambda steps: _cost(spec, sources, cost, steps) <= budget)
