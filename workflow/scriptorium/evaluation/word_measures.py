"""Metrics of eye-tracking prediction (Hollenstein et al. 2021), and what simple predictors reach.

The metric is compressed: on real data the train mean alone reaches 85 to 89 and word length 88 to 93
(docs/papers/cogbert.md 8.3), so a score means something only beside these baselines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def measures(labels: Sequence[np.ndarray], predictions: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, float]:
    """accuracy (100 - MAE over all measures), mae, and mae_<measure>; on measures that are scaled to 0..100.

    labels, predictions: per sentence [words, measures]. Errors are averaged over all words, not over batches first.
    """
    found = from_totals(totals(labels, predictions).sum(axis=0), names)
    return {name: float(value) for name, value in found.items()}


def totals(labels: Sequence[np.ndarray], predictions: Sequence[np.ndarray]) -> np.ndarray:
    """[sentences, measures + 1]: the sum of absolute errors of every measure, and the number of words."""
    return np.stack(
        [
            np.append(np.abs(_matrix(true) - _matrix(guess)).sum(axis=0), len(true))
            for true, guess in zip(labels, predictions, strict=True)
        ]
    )


def from_totals(sums: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The metrics of totals [..., measures + 1], each [...]."""
    errors = sums[..., :-1] / sums[..., -1:]
    mae = errors.mean(axis=-1)
    return {"accuracy": 100 - mae, "mae": mae} | {f"mae_{name}": errors[..., i] for i, name in enumerate(names)}


def baselines(
    train: tuple[Sequence[str], Sequence[np.ndarray]],
    test: tuple[Sequence[str], Sequence[np.ndarray]],
    names: Sequence[str],
) -> dict[str, float]:
    """<baseline>/<metric> on test of three predictors fitted on train.

    train, test: (texts, measures per sentence [words, measures]). `mean` and `median` give every word the same;
    `word_length` is a straight line in the number of a word's characters, punctuation included, for each measure.
    """
    lengths, held_out = (np.concatenate([_lengths(text) for text in texts]) for texts in (train[0], test[0]))
    known, unknown = (np.concatenate([_matrix(own) for own in values]) for values in (train[1], test[1]))
    line, *_ = np.linalg.lstsq(np.column_stack([np.ones_like(lengths), lengths]), known, rcond=None)
    guesses = {
        "mean": np.broadcast_to(known.mean(axis=0), unknown.shape),
        "median": np.broadcast_to(np.median(known, axis=0), unknown.shape),
        "word_length": np.column_stack([np.ones_like(held_out), held_out]) @ line,
    }
    return {
        f"{name}/{metric}": value
        for name, guess in guesses.items()
        for metric, value in measures([unknown], [guess], names).items()
    }


def stacked(values: Iterable[np.ndarray]) -> np.ndarray:
    """A column of tables of predictions, a matrix [words, measures] in each cell, as one: [all words, measures]."""
    return np.concatenate([_matrix(own) for own in values])


def _lengths(text: str) -> np.ndarray:
    return np.array([len(word) for word in text.split()], np.float64)


def _matrix(values: np.ndarray) -> np.ndarray:
    """[words, measures]; a parquet cell is an array of arrays."""
    return np.stack([np.asarray(row, np.float64) for row in values])
