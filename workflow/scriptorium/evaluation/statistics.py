"""Comparison of two variants that were trained with the same seeds and tested on the same examples.

What is assumed: test examples are independent draws, and so are seeds. What is not: normality, equal variances, or
independence of the results of one example under several seeds. Everything is a pure function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

Metric = Callable[[np.ndarray, np.ndarray], float]  # (labels [n], predictions [n]) -> value
TotalsMetric = Callable[[np.ndarray], np.ndarray]  # sums over examples [..., k] -> values [...]
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


def compare_totals(
    a: np.ndarray,
    b: np.ndarray,
    metric: TotalsMetric,
    *,
    resamples: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """Compare by a metric of sums over examples: accuracy, F1 of (hits, predicted, true), MCC of confusions, MAE.

    a, b: [seeds, examples, k], what each example adds to the k sums; metric: sums [..., k] -> values [...].
    The interval is the percentile bootstrap's, in which seeds and examples are drawn anew, each with replacement and
    crossed ("pigeonhole" bootstrap: a little too wide rather than too narrow; with fewer than five seeds the seeds'
    share of it is rough). The p value is a permutation test: under the null hypothesis the two variants can be
    exchanged on any example, for all seeds at once (their results on it are not independent). It holds for these
    trained models; only the interval speaks of other seeds too. With one seed and hits and misses it is McNemar's
    exact test, by simulation.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 3 or not a.size or a.shape != b.shape:
        raise ValueError(f"expected [seeds, examples, k] of equal shape, got {a.shape} and {b.shape}")
    seeds, examples, k = a.shape

    def over_examples(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
        """[r, examples] and [seeds, examples, k] -> [r, seeds, k]."""
        flat = values.transpose(1, 0, 2).reshape(examples, seeds * k)
        return (weights @ flat).reshape(len(weights), seeds, k)

    both, apart = (a + b).sum(axis=1) / 2, (a - b) / 2
    bootstrap, permuted = [], []
    for rows, columns, signs in _draws(seeds, examples, resamples, seed):
        columns = columns.astype(np.float64)
        by_seed = metric(over_examples(columns, a)) - metric(over_examples(columns, b))
        bootstrap.append((rows * by_seed).sum(axis=1) / seeds)
        swapped = over_examples(signs, apart)
        permuted.append((metric(both + swapped) - metric(both - swapped)).mean(axis=1))
    observed = float(np.mean(metric(a.sum(axis=1)) - metric(b.sum(axis=1))))
    return _summary(observed, np.concatenate(bootstrap), np.concatenate(permuted), level)


def _draws(seeds: int, examples: int, resamples: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """In chunks of r: how often each seed [r, seeds] and example [r, examples] is drawn, and which variant's result
    stands first on each example [r, examples], 1 or -1."""
    generator = np.random.default_rng([seed, seeds, examples])
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        rows, columns = _drawn(generator, size, seeds), _drawn(generator, size, examples)
        yield rows, columns, generator.choice((-1.0, 1.0), (size, examples))


def _drawn(generator: np.random.Generator, size: int, n: int) -> np.ndarray:
    """[size, n]: how often each of n is drawn in n draws with replacement (counted: faster than a multinomial)."""
    draws = generator.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
    return np.bincount(draws.ravel(), minlength=size * n).reshape(size, n)


def compare_metric(
    metric: Metric,
    labels: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """The same for any metric of labels and predictions (Spearman's correlation, which is no function of sums).

    labels: [examples]; a, b: [seeds, examples]. The metric is computed anew on each resample, so this is slow.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 2 or not a.size or a.shape != b.shape:
        raise ValueError(f"expected [seeds, examples] of equal shape for both variants, got {a.shape} and {b.shape}")
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


def _summary(observed: float, bootstrap: np.ndarray, permuted: np.ndarray, level: float) -> Comparison:
    low, high = np.quantile(bootstrap, [(1 - level) / 2, (1 + level) / 2])
    # as extreme within rounding; the observed labelling counts as one of the permutations, so p is never 0
    extreme = int(np.count_nonzero(np.abs(permuted) >= abs(observed) * (1 - 1e-9) - 1e-15))
    return Comparison(observed, float(low), float(high), (1 + extreme) / (1 + len(permuted)))
