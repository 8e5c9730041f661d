"""Do the intervals and p values of evaluation/statistics.py keep what they promise? Measured on simulated models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from scriptorium.evaluation.simulated import DRAWS, Draw, Values
from scriptorium.evaluation.statistics import split

MOST_FALSE, LEAST_COVERED = 0.06, 0.93
EFFECT = 0.2  # of the third variant, in standard deviations of a margin (simulated.py)
LEVEL = 0.95
CHUNK = 400_000  # results at once: bounds the memory


def checked_cells(
    seeds: Sequence[int],
    examples: Sequence[int],
    deviations: Sequence[float],
    *,
    simulations: int,
    seed: int = 0,
    draws: Iterable[Draw] = DRAWS,
) -> Iterator[dict[str, object]]:
    """A row per metric, number of seeds, n and deviation of the seeds, as they are done.

    false_positives: share of p < .05, which is an interval without 0, between two variants without a difference;
    coverage: share of the 95 % intervals that hold the true difference of a third variant (the mean over all
    simulations); power: share of p < .05 there; coverage_one: as coverage, of one variant's metric.
    """
    for draw in draws:
        for count in seeds:
            for n in examples:
                for deviation in deviations:
                    generator = np.random.default_rng([seed, DRAWS.index(draw), count, n, round(1000 * deviation)])
                    for metric, found in _simulated(draw, generator, simulations, count, n, deviation).items():
                        yield {"metric": metric, "seeds": count, "n": n, "seed_sd": deviation, **_summary(found)}


def broken(rows: pd.DataFrame) -> list[str]:
    """The cells that break a bound, in words."""
    found = []
    for row in rows.itertuples():
        cell = f"{row.metric}, {row.seeds} seeds, n {row.n}, deviation {row.seed_sd}"
        if not row.false_positives <= MOST_FALSE:
            found.append(f"{cell}: {row.false_positives:.3f} false positives, {MOST_FALSE} are allowed")
        for name in ("coverage", "coverage_one"):
            if not getattr(row, name) >= LEAST_COVERED:
                found.append(f"{cell}: {name} {getattr(row, name):.3f}, {LEAST_COVERED} is asked for")
    return found


def _simulated(
    draw: Draw, generator: np.random.Generator, simulations: int, seeds: int, n: int, deviation: float
) -> dict[str, dict[str, np.ndarray]]:
    """metric -> quantity -> [simulations]."""
    at_once, parts = max(1, CHUNK // (seeds * n)), {}
    for start in range(0, simulations, at_once):
        shape = (min(at_once, simulations - start), seeds, n)
        for metric, (a, b, c) in draw(generator, shape, deviation, (0.0, 0.0, EFFECT)).items():
            parts.setdefault(metric, []).append(_analysed(a, b, c))
    return {
        metric: {name: np.concatenate([part[name] for part in own]) for name in own[0]} for metric, own in parts.items()
    }


def _analysed(a: Values, b: Values, c: Values) -> dict[str, np.ndarray]:
    null, other, one = split([a, b]), split([c, b]), split([a])
    value, difference = a[0].mean(axis=-1), (c[0] - b[0]).mean(axis=-1)
    return {
        "false": np.abs((a[0] - b[0]).mean(axis=-1)) > null.half(LEVEL),  # as p < .05
        "found": np.abs(difference) > other.half(LEVEL),
        "difference": difference,
        "half": other.half(LEVEL),
        "value": value,
        "half_one": one.half(LEVEL),
    }


def _summary(found: dict[str, np.ndarray]) -> dict[str, float]:
    def covered(value: str, half: str) -> float:
        return float(np.mean(np.abs(found[value] - found[value].mean()) <= found[half]))

    return {
        "false_positives": float(np.mean(found["false"])),
        "coverage": covered("difference", "half"),
        "power": float(np.mean(found["found"])),
        "coverage_one": covered("value", "half_one"),
        "true_difference": float(found["difference"].mean()),
        "simulations": len(found["found"]),
    }
