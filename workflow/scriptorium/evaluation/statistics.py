"""How much better is one variant than another, on new examples and with new seeds? docs/statistics.md says why so.

Seeds and examples are both random and crossed: every seed of a variant is tested on the same examples, as readers read
the same cases. The analysis is that of such studies: pseudo-values of the metric (Dorfman, Berbaum and Metz 1992),
their variance split into seeds, examples and the rest (Obuchowski and Rockette 1995), seeds as Welch has two samples of
unequal variance. What is ours: half the interval is the root of the sum of squares of what it would be for seeds alone
and for examples alone, each with its own t quantile. Satterthwaite's degrees of freedom for the sum, the usual choice,
are too rough a guess with two to four seeds (docs/statistics.md has the figures); this is never too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from scriptorium.evaluation import pseudo_values
from scriptorium.evaluation.pseudo_values import LeftOut, Metric, Part, TotalsMetric

MOST_SEEDS = 1000  # more than anyone trains: a difference that needs them will not be decided by seeds
SMALLEST_LOG_P = -700.0


@dataclass(frozen=True)
class Estimate:
    """One variant's metric, the mean over its seeds, and its interval. With one seed it speaks of examples alone."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """a - b, its interval, and the two-sided p value of "there is no difference".

    With one seed the interval speaks of new examples for these two models alone, and p is NaN: nothing is known of
    other seeds. seeds_needed: the seeds of each variant with which this difference would be decided (the interval
    leaves out 0, or ends below the smallest effect), as far as these few seeds tell; NaN: no number would.
    seeds_variance: what one seed of each variant adds to the variance of a - b; examples_variance: what remains with
    however many seeds.
    """

    difference: float
    low: float
    high: float
    p: float
    seeds_needed: float
    seeds_variance: float
    examples_variance: float
    examples: int
    paired: bool

    def needed(self, *, level: float = 0.95, smallest: float = 0.0, lower_better: bool = False) -> float:
        """seeds_needed at another level, such as 1 - .05 / 7 for the first of seven in Holm's order."""
        if not np.isfinite(self.seeds_variance):
            return float("nan")
        seeds = np.arange(2, MOST_SEEDS + 1)
        degrees = (1 if self.paired else 2) * (seeds - 1.0)
        examples = np.full(len(seeds), self.examples_variance)
        half = Parts(self.seeds_variance / seeds, examples, degrees, self.examples - 1).half(level)
        target = max(abs(self.difference), smallest + self.difference * (1 if lower_better else -1))
        enough = np.flatnonzero(half < target)
        return float(seeds[enough[0]]) if len(enough) else float("nan")


def mean_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); the deviation of a single value is NaN: unknown, not 0."""
    values = np.asarray(values, np.float64)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def estimate(a: np.ndarray, metric: TotalsMetric, *, level: float = 0.95) -> Estimate:
    """One variant's metric over new seeds and examples. a: [seeds, examples, k], what each adds to the k sums."""
    return _estimate(pseudo_values.of_totals(_rows(a), metric), level)


def estimate_metric(
    metric: Metric, labels: np.ndarray, a: np.ndarray, *, left_out: LeftOut | None = None, level: float = 0.95
) -> Estimate:
    """The same for a metric that is no function of sums. labels: [examples]; a: [seeds, examples]."""
    return _estimate(pseudo_values.of_predictions(metric, labels, _predictions(labels, a), left_out), level)


def compare(
    a: np.ndarray,
    b: np.ndarray,
    metric: TotalsMetric,
    *,
    paired: bool = False,
    level: float = 0.95,
    smallest: float = 0.0,
    lower_better: bool = False,
) -> Comparison:
    """Compare by a metric of sums over examples: accuracy, F1 of (hits, predicted, true), MCC of confusions, BLEU.

    a: [seeds of a, examples, k], b: [seeds of b, examples, k], what each example (a sentence, a document: whatever was
    drawn as one) adds to the k sums; metric: sums [..., k] -> values [...]. paired: the two variants share more of a
    seed than its number, such as drawn data; then both have the same seeds in the same order. smallest, lower_better:
    the smallest effect of interest and its direction, for seeds_needed.
    """
    a, b = _rows(a), _rows(b)
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"the variants have other examples: {a.shape[1:]} and {b.shape[1:]}")
    of_a, of_b = (pseudo_values.of_totals(own, metric) for own in (a, b))
    return _compare(of_a, of_b, paired, level, smallest, lower_better)


def compare_metric(
    metric: Metric,
    labels: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    *,
    left_out: LeftOut | None = None,
    paired: bool = False,
    level: float = 0.95,
    smallest: float = 0.0,
    lower_better: bool = False,
) -> Comparison:
    """The same for any metric of labels and predictions (Spearman's correlation, which is no function of sums).

    labels: [examples]; a, b: [seeds, examples]. left_out: the metric without each example; else it is computed anew.
    """
    a, b = _predictions(labels, a), _predictions(labels, b)
    of_a, of_b = (pseudo_values.of_predictions(metric, labels, own, left_out) for own in (a, b))
    return _compare(of_a, of_b, paired, level, smallest, lower_better)


def estimate_parts(a: Sequence[Part], items: int, *, level: float = 0.95) -> Estimate:
    """The same for a metric that is a sum over parts, such as a mean over languages."""
    return _estimate(pseudo_values.of_parts(a, items), level)


def compare_parts(
    a: Sequence[Part],
    b: Sequence[Part],
    items: int,
    *,
    level: float = 0.95,
    smallest: float = 0.0,
    lower_better: bool = False,
) -> Comparison:
    """The same for two variants whose parts have the same items."""
    of_a, of_b = (pseudo_values.of_parts(own, items) for own in (a, b))
    return _compare(of_a, of_b, False, level, smallest, lower_better)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment over a family of p values, in their order. No assumption on their dependence.

    NaN, where nothing was tested, stays NaN and is left out of the family.
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    steps = np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1))
    adjusted = np.full_like(values, np.nan)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted.tolist()


@dataclass(frozen=True)
class Parts:
    """Variance of a mean, or of a difference of means, and where it comes from; arrays [...] of one shape.

    seeds: of the mean over the seeds there are, degrees: how well it is known; examples: what more seeds would not take
    away, known with n - 1 degrees of freedom.
    """

    seeds: np.ndarray
    examples: np.ndarray
    degrees: np.ndarray
    of_examples: int

    def half(self, level: float | np.ndarray) -> np.ndarray:
        """Half the width of the interval."""
        return self._half((1 - np.asarray(level)) / 2)

    def p(self, difference: np.ndarray) -> np.ndarray:
        """Two-sided: 1 - the level of the interval that just reaches 0, found by halving its logarithm."""
        low, high = np.full_like(self.seeds, SMALLEST_LOG_P), np.zeros_like(self.seeds)
        for _ in range(60):
            middle = (low + high) / 2
            wide = self._half(np.exp(middle) / 2) > np.abs(difference)
            low, high = np.where(wide, middle, low), np.where(wide, high, middle)
        known = np.isfinite(self.seeds + self.examples + difference)
        return np.where(known, np.where(difference == 0, 1.0, np.exp(high)), np.nan)

    def _half(self, tail: np.ndarray) -> np.ndarray:
        seeds, examples = (stdtrit(degrees, tail) for degrees in (self.degrees, self.of_examples))
        return np.sqrt(seeds**2 * self.seeds + examples**2 * self.examples)


def split(sides: Sequence[tuple[np.ndarray, np.ndarray]]) -> Parts:
    """The variance of the mean of one side, or of the first minus the second, whose seeds are others.

    sides: (metric [..., seeds], pseudo-values [..., seeds, n]). With one seed on a side the variance is that of
    examples alone.
    """
    n = sides[0][1].shape[-1]
    contrast = sum(sign * pseudo.mean(axis=-2) for sign, (_, pseudo) in zip((1, -1), sides, strict=False))
    examples = contrast.var(axis=-1, ddof=1) / n
    counts = np.array([values.shape[-1] for values, _ in sides], np.float64)
    if counts.min() == 1:
        return Parts(np.zeros_like(examples), examples, np.ones_like(examples), n - 1)
    own = np.stack([values.var(axis=-1, ddof=1) / values.shape[-1] for values, _ in sides])
    left = sum(_residual(pseudo) for _, pseudo in sides)  # in both of the others: an error of seeds and of examples
    seeds, spread = own.sum(axis=0), np.tensordot(1 / (counts - 1), own**2, axes=1)
    degrees = np.divide(seeds**2, spread, out=np.full_like(seeds, counts.sum() - len(counts)), where=spread > 0)
    return Parts(np.maximum(seeds, left), np.maximum(examples - left, 0), degrees, n - 1)


def _residual(pseudo: np.ndarray) -> np.ndarray:
    """Mean square of what neither seed nor example explains, as a part of the variance of the mean of all: [...]."""
    seeds, n = pseudo.shape[-2:]
    within = pseudo.var(axis=-1).sum(axis=-1) * n  # over examples, of each seed
    between = pseudo.mean(axis=-2).var(axis=-1) * n * seeds  # of examples
    return np.maximum(within - between, 0) / ((seeds - 1) * (n - 1)) / (seeds * n)


def _estimate(found: tuple[np.ndarray, np.ndarray], level: float) -> Estimate:
    value, half = float(found[0].mean()), float(split([found]).half(level))
    return Estimate(value, value - half, value + half)


def _compare(
    a: tuple[np.ndarray, np.ndarray],
    b: tuple[np.ndarray, np.ndarray],
    paired: bool,
    level: float,
    smallest: float,
    lower_better: bool,
) -> Comparison:
    if paired and len(a[0]) != len(b[0]):
        raise ValueError(f"paired seeds must be as many on both sides, not {len(a[0])} and {len(b[0])}")
    parts = split([(a[0] - b[0], a[1] - b[1])] if paired else [a, b])
    difference, half = float(a[0].mean() - b[0].mean()), float(parts.half(level))
    fewest = min(len(a[0]), len(b[0]))
    # with other numbers of seeds on the two sides, as if each had the fewer: a little pessimistic
    one = float(parts.seeds) * fewest if fewest > 1 else float("nan")
    made = Comparison(
        difference=difference,
        low=difference - half,
        high=difference + half,
        p=float(parts.p(np.asarray(difference))) if fewest > 1 else float("nan"),
        seeds_needed=float("nan"),
        seeds_variance=one,
        examples_variance=float(parts.examples),
        examples=a[1].shape[-1],
        paired=paired,
    )
    needed = made.needed(level=level, smallest=smallest, lower_better=lower_better)
    return Comparison(**{**vars(made), "seeds_needed": needed})


def _rows(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, np.float64)
    if values.ndim != 3 or not values.size or values.shape[1] < 2:
        raise ValueError(f"expected [seeds, examples, k] with two examples or more, got {values.shape}")
    return values


def _predictions(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not values.size or values.shape[1] != len(labels) or len(labels) < 2:
        raise ValueError(
            f"expected predictions [seeds, examples] of {len(labels)} labels (two or more), got {values.shape}"
        )
    return values
