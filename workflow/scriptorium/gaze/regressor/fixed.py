"""The gaze regressor as we would train it (ours): the paper's network, corpora at one level, a calibrated output.

What the released code gets wrong in training (docs/papers/cogbert.md section 10 nos. 12 to 15) the paper's variant
mends as
well; this one adds that corpora whose participants fixate more or less are brought to one level, and that predictions,
which squared error on few words drives apart, are corrected by a line fitted to words that the network has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from scriptorium.gaze.folds import folds
from scriptorium.gaze.pooling import CorpusScale
from scriptorium.gaze.regressor.network import GazeRegressor, GazeRegressorConfig, Sentence, fit, predict


def fit_fixed(
    config: GazeRegressorConfig,
    sentences: Sequence[Sentence],
    corpora: Sequence[str],
    groups: Sequence[str],
    *,
    inner_folds: int,
    seed: Sequence[int],
    after_epoch: Callable[[int, float, GazeRegressor], None] | None = None,
    **settings,
) -> tuple[GazeRegressor, CorpusScale]:
    """Train on sentences of several corpora; the scale brings predictions back to a corpus' own level.

    corpora, groups: of each sentence. The calibrating line is fitted on predictions for inner folds of whole groups,
    by networks that saw the other folds only. Levels, line and network see the sentences given here and no other.
    """
    corpus_of = np.repeat(np.asarray(corpora, dtype=object), [len(s.n_fix) for s in sentences])
    scale = CorpusScale.fit(corpus_of, np.concatenate([s.n_fix for s in sentences]).astype(np.float64))
    level = [
        replace(s, n_fix=scale.to_pool([corpus] * len(s.n_fix), s.n_fix).astype(np.float32))
        for s, corpus in zip(sentences, corpora, strict=True)
    ]
    fold_of = folds(int(np.random.default_rng([*seed, 99]).integers(2**31)), groups, inner_folds)
    fold = np.array([fold_of[group] for group in groups])
    predicted, label = [], []
    for number in range(inner_folds):
        seen, unseen = ([level[i] for i in np.flatnonzero(side)] for side in (fold != number, fold == number))
        inner = fit(config, seen, seed=[*seed, 100 + number], **settings)
        predicted.append(predict(inner, unseen)[0])
        label += [s.n_fix for s in unseen]
    model = fit(config, level, seed=seed, after_epoch=after_epoch, **settings)
    model.config.calibration = list(line(np.concatenate(predicted), np.concatenate(label)))
    model.config.levels = {**scale.means, "": scale.pooled}
    return model, scale


def line(predicted: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the least squares line from predictions to labels; the slope is at least 0."""
    predicted, label = predicted.astype(np.float64), label.astype(np.float64)
    spread = predicted.var()
    slope = max(((predicted - predicted.mean()) * (label - label.mean())).mean() / spread, 0.0) if spread > 0 else 0.0
    return float(label.mean() - slope * predicted.mean()), float(slope)
