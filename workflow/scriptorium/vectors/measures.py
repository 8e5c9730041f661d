"""The measures on vectors: each a function of sums over pairs, so that intervals are those of every other table.

Table of sums, a row per pair: KEYS and SUMS. scorer: model, random (the same architecture, untrained) or start (the
model that the run began with), and what chance gives beside each, such as "model chance" · reads: states, or attention
(VECO's cross-attention) · part: choice, the half of the pairs that chooses a layer, or test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scriptorium.alignments import error_rate

MODEL, RANDOM, START, CHANCE = "model", "random", "start", "chance"
CHOICE, TEST = "choice", "test"
BOTH = "both"  # directions, or languages
KEYS = ("measure", "languages", "direction", "reads", "layer", "part", "scorer", "pair")
SUMS = ("s0", "s1", "s2", "s3")

STRICT, TYPE, DISTANCE, UNIFORMITY = "word in context", "word by type", "alignment of texts", "uniformity of texts"


@dataclass(frozen=True)
class Measure:
    """of: sums [..., 4] -> [...] · chooses: the measure by which its layer is chosen; none: the last layer counts."""

    of: Callable[[np.ndarray], np.ndarray]
    lower_better: bool
    chooses: str | None


def _mean(sums: np.ndarray) -> np.ndarray:
    """Of sums and how many they are of; 0 of nothing."""
    return np.divide(sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0)


def _log_mean(sums: np.ndarray) -> np.ndarray:
    """Of a mean that is positive but for rounding; a pair left out of few may leave less than nothing."""
    return np.log(np.maximum(_mean(sums), np.finfo(float).tiny))


def chance_of(scorer: str) -> str:
    """The name under which stands what chance gives beside an encoder."""
    return f"{scorer} {CHANCE}"


def encoder_of(scorer: str) -> str:
    """The encoder beside which that stands; of an encoder itself."""
    return scorer.removesuffix(f" {CHANCE}")


MEASURES = {
    STRICT: Measure(_mean, lower_better=False, chooses=STRICT),
    TYPE: Measure(_mean, lower_better=False, chooses=TYPE),
    DISTANCE: Measure(_mean, lower_better=True, chooses=None),
    UNIFORMITY: Measure(_log_mean, lower_better=True, chooses=None),
    **{
        name: Measure(of, lower_better=name == error_rate.AER, chooses=error_rate.AER)
        for name, of in error_rate.MEASURES.items()
    },
}
