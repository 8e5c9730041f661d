"""CMCL 2021: its measure (mean absolute error on scales of 0-100), its baselines, and a comparison of two models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from scriptorium.gaze.predictor import boosting as gaze_boosting
from scriptorium.gaze.predictor.crossfit import OutOfFold
from scriptorium.gaze.predictor.ensemble import within
from scriptorium.gaze.predictor.words import sentences
from scriptorium.linguistics.surface import BASE, surface

# the boosting baseline: sixteen surface features, 300 iterations, scikit-learn's other defaults
ITERATIONS, LEARNING_RATE, MIN_SAMPLES_LEAF = 300, 0.1, 20


def baselines(train: pd.DataFrame, test: pd.DataFrame, measures: Sequence[str], seed: int) -> dict[str, np.ndarray]:
    """Predictions [words, measures] for test, of models without an encoder: mean, median, length, length and
    frequency, boosting.
    """
    values, size = train[list(measures)].to_numpy(), len(test)
    features = {}
    for name, table in (("train", train), ("test", test)):
        features[name] = np.concatenate(surface(sentences(table, measures)[0]))[:, : len(BASE)].astype(np.float64)
    length = BASE.index("length")
    both = [length, BASE.index("zipf")]
    line = LinearRegression().fit(features["train"][:, [length]], values)
    plane = LinearRegression().fit(features["train"][:, both], values)
    boosting = gaze_boosting.fit(
        features["train"],
        values,
        iterations=ITERATIONS,
        learning_rate=LEARNING_RATE,
        min_samples_leaf=MIN_SAMPLES_LEAF,
        seed=seed,
        measures=measures,
    )
    found = {
        "mean": np.tile(values.mean(axis=0), (size, 1)),
        "median": np.tile(np.median(values, axis=0), (size, 1)),
        "length": line.predict(features["test"][:, [length]]),
        "length_frequency": plane.predict(features["test"][:, both]),
        "boosting": boosting.predict(features["test"]),
    }
    return {name: within(predicted, [100.0] * len(measures)) for name, predicted in found.items()}


def error_table(models: Mapping[str, np.ndarray], observed: np.ndarray, measures: Sequence[str]) -> pd.DataFrame:
    """One row per model: model, the mean absolute error of each measure over words, and `mean` of the measures."""
    rows = []
    for name, predicted in models.items():
        errors = np.abs(predicted - observed).mean(axis=0)
        rows.append({"model": name, **dict(zip(measures, errors, strict=True)), "mean": errors.mean()})
    return pd.DataFrame(rows)


def gain(
    baseline: np.ndarray, ours: np.ndarray, observed: np.ndarray, sentence: np.ndarray, resamples: int
) -> dict[str, float]:
    """ours - baseline in mean error (negative: better), with a 95 % bootstrap interval in which sentences are drawn.

    Whole sentences, since the errors of a sentence's words are not independent. It speaks of other sentences, for
    these trained models.
    """
    difference = (np.abs(ours - observed) - np.abs(baseline - observed)).mean(axis=1)
    _, owner = np.unique(sentence, return_inverse=True)
    total, words = np.bincount(owner, difference), np.bincount(owner)
    drawn = np.random.default_rng([0, len(total)]).integers(len(total), size=(resamples, len(total)))
    low, high = np.quantile(total[drawn].sum(axis=1) / words[drawn].sum(axis=1), [0.025, 0.975])
    return {"difference": float(difference.mean()), "low": float(low), "high": float(high)}


def long(
    train: pd.DataFrame, test: pd.DataFrame, oof: OutOfFold, models: Mapping[str, np.ndarray], measures: Sequence[str]
) -> pd.DataFrame:
    """Every word with what was observed and predicted: part (train: out of fold; test), <measure>_<model>."""

    def columns(predicted: np.ndarray, name: str) -> dict[str, np.ndarray]:
        return {f"{measure}_{name}": predicted[:, i] for i, measure in enumerate(measures)}

    held_out = {}
    for ours, name in (("boosting", "boosting_context"), ("encoder", "encoder"), ("mixed", "mixed")):
        held_out |= columns(getattr(oof, ours), name)
    found = {}
    for name, predicted in models.items():
        found |= columns(predicted, name)
    parts = [train.assign(part="train", **held_out), test.assign(part="test", **found)]
    return pd.concat(parts, ignore_index=True)
