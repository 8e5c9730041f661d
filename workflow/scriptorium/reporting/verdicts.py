"""What a comparison may be called, the same in every table (docs/statistics.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.evaluation.statistics import Comparison

if TYPE_CHECKING:
    from scriptorium.reporting.manipulation import Manipulation

ALPHA = 0.05
ENOUGH_SEEDS = 5
NOT_TESTED = "not tested"  # the intervention did not act: nothing is said of what it would do if it did
ONE_SEED = "one seed: no verdict"


BETTER, WORSE, UNKNOWN, BASELINE = "better", "worse", "no difference shown", "baseline"


def scale(seeds: int) -> str:
    """How far the number of seeds carries. With fewer than five an interval is honest but wide."""
    count = f"{seeds} seed{'' if seeds == 1 else 's'}"
    return count if seeds >= ENOUGH_SEEDS else f"{count}: a quick look"


def undecided(p_holm: float, low: float, high: float) -> bool:
    """Whether no difference is shown: it takes both a corrected p value and an interval without 0."""
    return not (p_holm < ALPHA and (low > 0 or high < 0))


def verdict(found: Comparison, p_holm: float, acted: Manipulation, seeds: int, *, lower_better: bool) -> str:
    """Of a variant beside the baseline, where predictions can be compared. seeds: the fewer of the two."""
    if not acted.acted(decided=not undecided(p_holm, found.low, found.high)):
        return NOT_TESTED
    return of_difference(found, p_holm, seeds, lower_better=lower_better)


def of_difference(found: Comparison, p_holm: float, seeds: int, *, lower_better: bool) -> str:
    """The same of a measure without predictions that could be the same."""
    if seeds == 1:
        return ONE_SEED
    if undecided(p_holm, found.low, found.high):
        return UNKNOWN
    return BETTER if (found.difference > 0) != lower_better else WORSE


def seeds_needed(found: Comparison, p_holm: float, family: int, *, smallest: float, lower_better: bool) -> float:
    """Seeds of each variant that would decide. Where the interval decides but Holm's correction over `family` tests
    does not, they are those of an interval that holds for the family (Bonferroni: a little pessimistic)."""
    corrected = p_holm >= ALPHA and (found.low > 0 or found.high < 0)
    level = 1 - ALPHA / (family if corrected else 1)
    return found.needed(level=level, smallest=smallest, lower_better=lower_better)
