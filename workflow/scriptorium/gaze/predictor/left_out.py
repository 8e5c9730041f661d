"""Leave one corpus out: is a gaze predictor better than word length where it was not trained (ours)?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from scriptorium.gaze.likelihood import delta_log_likelihood, folds_of
from scriptorium.gaze.pooling import overlapping
from scriptorium.gaze.predictor import transfer
from scriptorium.gaze.predictor.transfer import Transfer, Words
from scriptorium.linguistics import annotate
from scriptorium.linguistics.surface import surface

if TYPE_CHECKING:
    from scriptorium.gaze.spec import LeftOutSettings

PLACE = ["corpus", "document", "sentence"]


def sample(table: pd.DataFrame, sentences: int, seed: int) -> pd.DataFrame:
    """Whole documents, in a random order, until there are so many sentences (at least one document); rows in order."""
    size = table.drop_duplicates(PLACE).groupby("document", sort=True).size()
    order = np.random.default_rng([seed]).permutation(len(size))
    before = size.iloc[order].cumsum() - size.iloc[order]
    kept = size.index[order[: max(int((before + size.iloc[order] <= sentences).cumprod().sum()), 1)]]
    return table[table["document"].isin(kept)].reset_index(drop=True)


def words_of(
    table: pd.DataFrame, language: str, settings: LeftOutSettings, surprisal: np.ndarray | None = None
) -> Words:
    """A corpus as it is learned: of a gaze table (sorted by place), its language, and the bits of its words [words]."""
    groups = [rows for _, rows in table.groupby(PLACE, sort=False)]
    features = np.concatenate(surface([rows["word"].tolist() for rows in groups], language)).astype(np.float64)
    if surprisal is not None:
        bits = np.where(np.isfinite(surprisal), surprisal, np.nanmean(surprisal))  # a word without any: the mean
        place = table.groupby(PLACE, sort=False).cumcount().to_numpy()
        back = range(settings.spill_over + 1)
        shifted = [np.where(place >= by, np.roll(bits, by), 0.0) for by in back]  # nothing stood before a first word
        features = np.concatenate([features, np.stack(shifted, axis=1)], axis=1)
    text = pd.factorize(table["document"])[0]
    return Words(features, table[list(settings.measures)].to_numpy(np.float64), text)


def without_texts_of(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The rows of sentences that do not overlap with a sentence of another corpus (pooling.overlapping)."""
    own = annotate.sentences(table)
    kept = own[~overlapping(own["text"], annotate.sentences(other)["text"])]
    return table.merge(kept[PLACE], on=PLACE, how="inner", validate="many_to_one")


def judge(
    left_out: str,
    model: Transfer,
    baselines: Mapping[str, np.ndarray],
    words: Words,
    settings: LeftOutSettings,
) -> list[dict[str, float | str]]:
    """A row for each measure that the corpus has: see `reporting.gaze_left_out.COLUMNS`.

    baselines: predictions [words, measures] of the line on length and frequency. A measure that hardly varies, or is
    known for fewer than two texts, has no interval.
    """
    predicted = model.predict(words.features)
    scaled = transfer.at_level(words.values, model.level)
    low, high = model.interval(predicted)
    low_at, high_at = model.interval(predicted, level_known=True)
    length = words.features[:, model.names.index("length")]
    columns = [model.names.index(name) for name in transfer.line_names(settings.spill_over)]
    rows = []
    for column, measure in enumerate(settings.measures):
        known = np.isfinite(words.values[:, column])
        if not known.any():
            continue
        observed, text = words.values[known, column], words.text[known]
        ours, line = predicted[known, column], baselines["length_frequency"][known, column]
        gain, ci = difference(observed, ours, length[known], text, settings.resamples, settings.seed)
        row = {
            "corpus": left_out,
            "measure": measure,
            "words": len(observed),
            "texts": len(np.unique(text)),
            "spearman": _rho(observed, ours),
            "spearman_length": _rho(observed, length[known]),
            "spearman_length_frequency": _rho(observed, line),
            "difference": gain,
            "ci_low": ci[0],
            "ci_high": ci[1],
        }
        target = scaled[known, column]
        row |= {
            "mae": float(np.abs(target - ours).mean()),
            "mae_length_frequency": float(np.abs(target - line).mean()),
            "coverage": _inside(observed, low[known, column], high[known, column]),
            "coverage_at_level": _inside(target, low_at[known, column], high_at[known, column]),
        }
        fold = folds_of(text, settings.folds, settings.seed)
        base = words.features[known][:, columns]
        row["delta_ll"] = _mean(delta_log_likelihood(base, ours[:, None], observed, fold))
        if any(name.startswith("surprisal") for name in model.names):
            bits = [i for i, name in enumerate(model.names) if name.startswith("surprisal")]
            more = words.features[known][:, bits]
            row["delta_ll_surprisal"] = _mean(delta_log_likelihood(base, more, observed, fold))
        rows.append(row)
    return rows


def difference(
    observed: np.ndarray, ours: np.ndarray, other: np.ndarray, text: np.ndarray, resamples: int, seed: int
) -> tuple[float, tuple[float, float]]:
    """Spearman of `ours` less that of `other`, with a 95 % bootstrap interval in which whole texts are drawn.

    NaN for the interval of a single text.
    """
    gain = _rho(observed, ours) - _rho(observed, other)
    members = [np.flatnonzero(text == name) for name in np.unique(text)]
    if len(members) < 2:
        return gain, (float("nan"), float("nan"))
    generator, found = np.random.default_rng([seed, len(members)]), []
    for _ in range(resamples):
        drawn = np.concatenate([members[i] for i in generator.integers(len(members), size=len(members))])
        found.append(_rho(observed[drawn], ours[drawn]) - _rho(observed[drawn], other[drawn]))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return gain, (float(low), float(high))


def _rho(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's correlation; NaN where one side is constant."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def _inside(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    return float(((low <= values) & (values <= high)).mean())


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))
