"""A gaze predictor for corpora that it has not seen: a line and boosting on surface features, mixed (ours).

A corpus has its own level: how often people fixate a word depends on the text, the task and the tracker. So measures
are learned over their corpus's mean, which leaves what a word does. How the two parts are mixed, and how wide the
interval is, is found by leaving one training corpus out after the other: both hold for a corpus not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LinearRegression

from scriptorium.errors import UserError
from scriptorium.gaze.pooling import CorpusScale
from scriptorium.gaze.predictor import boosting as gaze_boosting
from scriptorium.gaze.predictor.boosting import Boosting
from scriptorium.gaze.predictor.ensemble import Spread, mix, within
from scriptorium.linguistics.surface import SURFACE

if TYPE_CHECKING:
    from scriptorium.gaze.spec import LeftOutSettings

GRID = np.linspace(0.0, 1.0, 11)  # candidate weights of the line
FEWEST = 3  # corpora: with one left out, at least two are left to find the mixture and the interval with


def line_names(spill_over: int, surprisal: bool = False) -> list[str]:
    """What the line knows of a word, and of so many words before it: length, frequency, and surprisal if asked for."""
    places = ["", "_before", "_before_2"][: spill_over + 1]
    return [f"{name}{place}" for name in ("length", "zipf", *(["surprisal"] if surprisal else [])) for place in places]


def feature_names(spill_over: int, surprisal: bool) -> tuple[str, ...]:
    """Columns of the features: SURFACE, and the surprisal of the word and of so many before."""
    more = [name for name in line_names(spill_over, surprisal) if name.startswith("surprisal")]
    return (*SURFACE, *more)


@dataclass(frozen=True)
class Transfer:
    """names: of the features [F]; line [measures, 1 + L]: intercept and slopes of `linear`; weights: of the line.

    level: of the pool, [measures]. spread: of observed values about the prediction, where the level of their corpus is
    not known; spread_at_level: where it is.
    """

    measures: tuple[str, ...]
    upper: tuple[float | None, ...]
    names: tuple[str, ...]
    linear: tuple[str, ...]
    line: np.ndarray
    boosting: Boosting
    weights: np.ndarray
    level: np.ndarray
    spread: Spread
    spread_at_level: Spread

    def predict(self, features: np.ndarray) -> np.ndarray:
        """features [words, F] -> [words, measures] at the level of the pool of training corpora."""
        return mix(self._by_line(features), self.boosting.predict(features), self.weights, self.upper)

    def interval(self, values: np.ndarray, *, level_known: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the 80 % interval of predicted values [words, measures], within the measures' bounds."""
        low, high = (self.spread_at_level if level_known else self.spread).interval(values)
        return within(low, self.upper), within(high, self.upper)

    def _by_line(self, features: np.ndarray) -> np.ndarray:
        chosen = features[:, [self.names.index(name) for name in self.linear]]
        return self.line[:, 0] + chosen @ self.line[:, 1:].T


@dataclass(frozen=True)
class Words:
    """The words of a corpus: features [words, F], values [words, measures] (NaN: unknown), text [words] (a number)."""

    features: np.ndarray
    values: np.ndarray
    text: np.ndarray


def fit(
    corpora: Mapping[str, Words], names: Sequence[str], linear: Sequence[str], settings: LeftOutSettings
) -> Transfer:
    """Trained on all corpora. Raises UserError for fewer than two: none could be left out."""
    if len(corpora) < 2:
        raise UserError(
            f"a predictor for other corpora needs at least two, not {len(corpora)}",
            where="gaze.left_out.corpora",
            remedy="name more gaze corpora",
        )
    upper = tuple(1.0 if measure == "fix_prop" else None for measure in settings.measures)
    parts = {name: _part(_without(corpora, name), names, linear, settings) for name in corpora}
    of_line, of_boosting, observed, scaled = [], [], [], []
    for name, words in corpora.items():
        (by_line, boosting, level) = parts[name]
        of_line.append(by_line(words.features))
        of_boosting.append(boosting.predict(words.features))
        observed.append(words.values)
        scaled.append(at_level(words.values, level))
    lines, boosts, raw, known = (np.concatenate(each) for each in (of_line, of_boosting, observed, scaled))
    weights = _weights(lines, boosts, known, upper)
    mixed = mix(lines, boosts, weights, upper)
    by_line, boosting, level = _part(corpora, names, linear, settings)
    return Transfer(
        tuple(settings.measures),
        upper,
        tuple(names),
        tuple(linear),
        by_line.coefficients,
        boosting,
        weights,
        level,
        Spread.of(mixed, raw),
        Spread.of(mixed, known),
    )


def at_level(values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Values [words, measures] of a corpus, brought to another level by the ratio of the means; 0 stays 0."""
    means = _means(values)
    return values * np.where(means > 0, level / np.where(means > 0, means, 1.0), 1.0)


@dataclass(frozen=True)
class _Line:
    """coefficients [measures, 1 + L], columns: places of the features."""

    coefficients: np.ndarray
    columns: list[int]

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return self.coefficients[:, 0] + features[:, self.columns] @ self.coefficients[:, 1:].T


def line(corpora: Mapping[str, Words], names: Sequence[str], linear: Sequence[str]) -> _Line:
    """Least squares on the features `linear`, on values over their corpus's mean, times the mean of all."""
    features, values, _ = _pooled(corpora)
    columns = [list(names).index(name) for name in linear]
    found = []
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        if not known.any():
            raise UserError("a measure is known for no training word", remedy="leave it out of `measures`")
        model = LinearRegression().fit(features[known][:, columns], values[known, column])
        found.append([model.intercept_, *model.coef_])
    return _Line(np.array(found), columns)


def _part(corpora, names, linear, settings) -> tuple[_Line, Boosting, np.ndarray]:
    features, values, level = _pooled(corpora)
    options = {"measures": settings.measures, "seed": settings.seed, **settings.boosting.model_dump()}
    return line(corpora, names, linear), gaze_boosting.fit(features, values, **options), level


def _pooled(corpora: Mapping[str, Words]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """features, values at the pool's level, and that level [measures] (of a measure that no corpus has: 0)."""
    features = np.concatenate([words.features for words in corpora.values()])
    values = np.concatenate([words.values for words in corpora.values()])
    corpus = np.repeat(np.array(list(corpora)), [len(words.features) for words in corpora.values()])
    found, level = np.full_like(values, np.nan), np.zeros(values.shape[1])
    for column in range(values.shape[1]):
        known = np.isfinite(values[:, column])
        if known.any():
            scale = CorpusScale.fit(corpus[known], values[known, column])
            found[known, column] = scale.to_pool(corpus[known], values[known, column])
            level[column] = scale.pooled
    return features, found, level


def _without(corpora: Mapping[str, Words], left_out: str) -> dict[str, Words]:
    return {name: words for name, words in corpora.items() if name != left_out}


def _weights(lines: np.ndarray, boosts: np.ndarray, observed: np.ndarray, upper: Sequence[float | None]) -> np.ndarray:
    """For each measure, the line's weight of GRID with the smallest mean absolute error; [measures]."""
    count = observed.shape[1]
    errors = [
        np.nanmean(np.abs(mix(lines, boosts, np.full(count, weight), upper) - observed), axis=0) for weight in GRID
    ]
    return GRID[np.argmin(errors, axis=0)]


def _means(values: np.ndarray) -> np.ndarray:
    """Mean of each column over its known values, 0 where there is none."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
