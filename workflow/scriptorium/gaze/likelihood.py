"""Delta log-likelihood: how much better reading times are predicted once a predictor is added (a yardstick of
psycholinguistics, beside the mean absolute error).

A line is fitted to the times with the baseline's columns, and one with the further columns; the times of texts that
neither saw are normal about each. How texts are dealt to folds, and the normal with the training residuals' variance,
are ours.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LinearRegression


def folds_of(text: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Fold of each word, [words]: texts stay whole. With fewer texts than folds there are as many folds as texts."""
    names, place = np.unique(text, return_inverse=True)
    return (np.random.default_rng([seed]).permutation(len(names)) % max(min(count, len(names)), 1))[place]


def delta_log_likelihood(base: np.ndarray, more: np.ndarray, values: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Nats per word, [words]: log-likelihood with `more` less that without; positive: `more` helps on unseen texts.

    base [words, B], more [words, M], values [words] (finite), fold [words]. NaN in all words where there is one fold.
    """
    found = np.full(len(values), np.nan)
    both = np.concatenate([base, more], axis=1)
    for number in np.unique(fold) if len(np.unique(fold)) > 1 else ():
        train, test = fold != number, fold == number
        found[test] = _log_density(both, values, train, test) - _log_density(base, values, train, test)
    return found


def _log_density(features: np.ndarray, values: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    model = LinearRegression().fit(features[train], values[train])
    variance = max(float(np.mean((values[train] - model.predict(features[train])) ** 2)), 1e-12)
    error = values[test] - model.predict(features[test])
    return -0.5 * (np.log(2 * np.pi * variance) + error**2 / variance)
