"""Did the intervention act? How far two variants differ at all, beside how far two seeds of the baseline do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TypeVar

import numpy as np
import pandas as pd

from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import KindOfTask

T = TypeVar("T")  # what is told of one run: its predictions, or its translations
LEAST_CHANGED = 0.01  # of the predictions: below it an effect on the metric could hardly be seen (ours)
ALL_CHANGE = 0.9  # from here on nearly every prediction differs between any two runs, as whole translations do (ours)


@dataclass(frozen=True)
class Manipulation:
    """changed: share of the test predictions that differ between two variants, mean over the seeds of one number (over
    all pairs where no number is common); changed_seeds: the same between two seeds of the baseline, mean over pairs,
    NaN with one seed; logit_shift: mean absolute difference of what a prediction is made from (TaskKind.shift).
    """

    changed: float
    changed_seeds: float
    logit_shift: float

    def acted(self, *, decided: bool) -> bool:
        """Whether the variants differ enough to be compared: in 1 % of the predictions, and by more than the baseline
        does from seed to seed, where that is known and says anything (below ALL_CHANGE). The rule is ours.

        decided: a difference of the metric is shown. Then the second half of the rule does not count: a variant that
        is right where the baseline guesses anew with every seed differs from it less than the seeds do.
        """
        no_more_than_seeds = self.changed <= self.changed_seeds < ALL_CHANGE
        return self.changed >= LEAST_CHANGED and (decided or not no_more_than_seeds)


def manipulation(own: dict[int, pd.DataFrame], base: dict[int, pd.DataFrame], task: KindOfTask) -> Manipulation:
    """own, base: seed -> predictions of a variant and of the baseline, on the same examples."""
    kind, pairs = kind_of(task.kind), seed_pairs(own, base)
    return Manipulation(
        changed=share_changed(kind.changed, pairs),
        changed_seeds=share_changed(kind.changed, combinations(base.values(), 2)),
        logit_shift=float(np.mean([kind.shift(a, b, task.labels) for a, b in pairs])),
    )


def without_logits(
    own: Mapping[int, T], base: Mapping[int, T], changed: Callable[[T, T], np.ndarray] = np.not_equal
) -> Manipulation:
    """Of what is made from no logits: translations, texts that were found. own, base: seed -> one for each example."""
    return Manipulation(
        changed=share_changed(changed, seed_pairs(own, base)),
        changed_seeds=share_changed(changed, combinations(base.values(), 2)),
        logit_shift=float("nan"),
    )


def seed_pairs(own: Mapping[int, T], base: Mapping[int, T]) -> list[tuple[T, T]]:
    """A variant's and the baseline's of each common seed; all pairs where no number is common."""
    common = sorted(own.keys() & base.keys())
    return [(own[k], base[k]) for k in common] or list(product(own.values(), base.values()))


def share_changed(changed: Callable[[T, T], np.ndarray], pairs: Iterable[Sequence[T]]) -> float:
    """Mean over the pairs of the share of examples that differ; NaN without pairs."""
    shares = [float(np.mean(changed(a, b))) for a, b in pairs]
    return float(np.mean(shares)) if shares else float("nan")
