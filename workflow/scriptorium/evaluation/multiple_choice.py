"""Metrics of multiple choice: accuracy, of all questions and of each part of the data (RACE: middle and high)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scriptorium.evaluation.classification import log_odds, probabilities, ratio


def table_of_choices(data: pd.DataFrame, logits: np.ndarray, labels: np.ndarray, parts: Sequence[str]) -> pd.DataFrame:
    """id, label, prediction (numbers of options), probabilities (list) and, where parts are told apart, part.

    logits: [n, most options]; labels: [n, 2], the right option and how many there are.
    """
    made = data[["id"]].copy()
    counts = labels[:, 1]
    shares = probabilities(np.where(np.arange(logits.shape[1]) < counts[:, None], logits, -np.inf))
    made["label"], made["prediction"] = labels[:, 0], shares.argmax(axis=-1)
    made["probabilities"] = [row[:count].tolist() for row, count in zip(shares, counts, strict=True)]
    return made.assign(part=data["part"]) if parts else made


def measures(made: pd.DataFrame, parts: Sequence[str]) -> dict[str, float]:
    """accuracy, and accuracy_<part> of the parts that there are."""
    found = from_totals(totals(made, parts).sum(axis=0), parts)
    there = {"accuracy", *(f"accuracy_{part}" for part in parts if (made["part"] == part).any())}
    return {name: float(value) for name, value in found.items() if name in there}


def totals(made: pd.DataFrame, parts: Sequence[str]) -> np.ndarray:
    """What each example adds to the sums: right and 1, then the same of each part: [n, 2 + 2 * parts]."""
    right = (made["label"] == made["prediction"]).to_numpy(np.float64)
    inside = [np.ones(len(made)), *((made["part"] == part).to_numpy(np.float64) for part in parts)]
    return np.stack([column for own in inside for column in (right * own, own)], axis=-1)


def from_totals(sums: np.ndarray, parts: Sequence[str]) -> dict[str, np.ndarray]:
    """The metrics of summed totals [..., 2 + 2 * parts], each [...]; a part without examples has 0."""
    names = ["accuracy", *(f"accuracy_{part}" for part in parts)]
    return {name: ratio(sums[..., 2 * n], sums[..., 2 * n + 1]) for n, name in enumerate(names)}


def log_odds_of_right(made: pd.DataFrame) -> np.ndarray:
    """log p / (1 - p) of the right option, [n] in nats."""
    shares = made["probabilities"].to_list()
    width = max(map(len, shares))
    filled = np.stack([np.pad(np.asarray(own, np.float64), (0, width - len(own))) for own in shares])
    return log_odds(filled, made["label"].to_numpy())
