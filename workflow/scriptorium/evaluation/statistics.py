"""Comparison of two variants that were trained with the same seeds and tested on the same examples.

What is assumed: test examples are independent draws, and so are seeds. What is not: normality, equal variances, or
independence of the results of one example under several seeds. Everything is a pure function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Metric = Callable[[np.ndarray, np.ndarray], float]  # (labels [n], predictions [n]) -> value
CHUNK = 256  # resamples at once: bounds the memory


@dataclass(frozen=True)
class Comparison:
    """a - b, its bootstrap interval, and the two-sided p value of "there is no difference"."""

    difference: float
    low: float
    high: float
    p: float


def mean_sd(values: Sequence[float]) -> tuple[float, float]:
    """Mean and sample standard deviation (n - 1); the deviation of a single value is NaN: unknown, not 0."""
    values = np.asarray(values, np.float64)
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def compare(a: np.ndarray, b: np.ndarray, *, resamples: int = 10_000, seed: int = 0, level: float = 0.95) -> Comparison:
    """Compare by scores per example whose mean is the metric, such as 1 for a hit and 0 for a miss.

    a, b: [seeds, examples]. The interval is the percentile bootstrap's, in which seeds and examples are drawn anew,
    each with replacement and crossed ("pigeonhole" bootstrap: a little too wide rather than too narrow; with fewer
    than five seeds the seeds' share of it is rough). The p value is a permutation test: under the null hypothesis
    the two variants can be exchanged on any example, for all seeds at once (their results on it are not independent).
    It holds for these trained models; only the interval speaks of other seeds too. With one seed and hits and misses
    it is McNemar's exact test, by simulation.
    """
    difference = _checked(a) - _checked(b, like=a)
    seeds, examples = difference.shape
    generator = np.random.default_rng([seed, seeds, examples])
    bootstrap, permuted = [], []
    per_example = difference.mean(axis=0)
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        rows = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size) / seeds
        columns = generator.multinomial(examples, np.full(examples, 1 / examples), size) / examples
        bootstrap.append(np.einsum("rs,sn,rn->r", rows, difference, columns, optimize=True))
        permuted.append(generator.choice((-1.0, 1.0), (size, examples)) @ per_example / examples)
    return _summary(float(difference.mean()), np.concatenate(bootstrap), np.concatenate(permuted), level)


def compare_metric(
    metric: Metric, labels: np.ndarray, a: np.ndarray, b: np.ndarray, *,
    resamples: int = 1000, seed: int = 0, level: float = 0.95,
) -> Comparison:  # fmt: skip
    """The same for a metric that is not a mean over examples (F1, MCC, a correlation), from predictions.

    labels: [examples]; a, b: [seeds, examples]. The metric is computed anew on each resample, so this is slow.
    """
    a, b = _checked(a), _checked(b, like=a)
    seeds, examples = a.shape
    generator = np.random.default_rng([seed, seeds, examples])

    def difference(of_a: np.ndarray, of_b: np.ndarray, truth: np.ndarray) -> float:
        return float(np.mean([metric(truth, x) - metric(truth, y) for x, y in zip(of_a, of_b, strict=True)]))

    bootstrap, permuted = np.empty((2, resamples))
    for i in range(resamples):
        rows, columns = generator.integers(seeds, size=(seeds, 1)), generator.integers(examples, size=examples)
        bootstrap[i] = difference(a[rows, columns], b[rows, columns], labels[columns])
        swap = generator.random(examples) < 0.5
        permuted[i] = difference(np.where(swap, b, a), np.where(swap, a, b), labels)
    return _summary(difference(a, b, labels), bootstrap, permuted, level)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment over a family of p values, in their order. No assumption on their dependence."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted.tolist()


def _checked(values: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    values = np.asarray(values)
    if values.ndim != 2 or not values.size or (like is not None and values.shape != np.shape(like)):
        raise ValueError(f"expected [seeds, examples] of equal shape for both variants, got {values.shape}")
    return values.astype(np.float64) if values.dtype == bool else values


def _summary(observed: float, bootstrap: np.ndarray, permuted: np.ndarray, level: float) -> Comparison:
    low, high = np.quantile(bootstrap, [(1 - level) / 2, (1 + level) / 2])
    # as extreme within rounding; the observed labelling counts as one of the permutations, so p is never 0
    extreme = int(np.count_nonzero(np.abs(permuted) >= abs(observed) * (1 - 1e-9) - 1e-15))
    return Comparison(observed, float(low), float(high), (1 + extreme) / (1 + len(permuted)))
