"""Measures on a scale from 0 to 100 by the least and largest value of the training words (Hollenstein et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scriptorium.errors import UserError

Scaler = dict[str, dict[str, float]]  # measure -> {min, max}


def fit_scaler(labels: pd.Series, measures: Sequence[str]) -> Scaler:
    """Least and largest value of every measure. Raises UserError for one that is the same everywhere."""
    values = np.concatenate([np.asarray(label) for label in labels])
    scaler = {
        name: {"min": float(low), "max": float(high)}
        for name, low, high in zip(measures, values.min(axis=0), values.max(axis=0), strict=True)
    }
    for name, bounds in scaler.items():
        if bounds["min"] == bounds["max"]:
            raise UserError(
                f"measure {name!r} is {bounds['min']:g} for every word of train",
                where="config/config.yaml, labels of the task",
                remedy="leave it out",
            )
    return scaler


def scaled(labels: pd.Series, scaler: Scaler) -> pd.Series:
    """Every measure from 0 (the least of train) to 100 (the largest), [words, measures] float32 per sentence.

    Values beyond those of train are not cut.
    """
    low, high = (np.array([bounds[end] for bounds in scaler.values()]) for end in ("min", "max"))
    return labels.map(lambda label: (100 * (np.asarray(label) - low) / (high - low)).astype(np.float32))
