"""What the gaze regressor must beat: predictors of n_fix without a language model.

Each is a function (train, test) -> predictions for test, on tables with the columns of `evaluation.gaze.read_words`.
All of them fit squared error, like the regressor, so that all aim at the same quantity, the mean (ours).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from scriptorium.linguistics.features import FEATURES
from scriptorium.linguistics.surface import bare, zipf_of


def mean(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """The mean of the training words."""
    return np.full(len(test), train["label"].mean())


def length(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Linear in the number of characters, punctuation included."""
    model = LinearRegression().fit(_length(train)[:, None], train["label"])
    return model.predict(_length(test)[:, None])


def length_frequency(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Linear in the number of characters and the (English) Zipf frequency."""
    return LinearRegression().fit(_length_frequency(train), train["label"]).predict(_length_frequency(test))


def features(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Linear in the eight cognitive features: the regressor with the same weight for every word."""
    columns = list(FEATURES)
    return LinearRegression().fit(train[columns], train["label"]).predict(test[columns])


def boosting(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """Gradient boosting on surface features, neighbours included (after docs/papers/cogbert.md section 8.4; settings
    ours).
    """
    seen = Counter(map(bare, train["word"]))
    model = HistGradientBoostingRegressor(
        loss="squared_error",
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=8,
        min_samples_leaf=20,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1):
        # a training word does not count itself, or else no training word would look like an unseen one
        return model.fit(surface(train, seen, own=1), train["label"]).predict(surface(test, seen))


BASELINES = {
    "mean": mean,
    "length": length,
    "length_frequency": length_frequency,
    "features": features,
    "boosting": boosting,
}


def surface(words: pd.DataFrame, seen: Counter, own: int = 0) -> np.ndarray:
    """Surface features [words, 13] of whole sentences: no parser, no lexicon, no text but the training words.

    Length, previous and next length (0 at the ends of a sentence), position from both ends and relative, sentence
    length, capital first, all capitals, digit, punctuation last, punctuation inside, log frequency among `seen`
    (less `own`, the occurrences that are the word itself).
    """
    sentence = words.groupby(["corpus", "document", "sentence"], sort=False)
    size = sentence["word"].transform("size").to_numpy()
    position = sentence.cumcount().to_numpy()
    chars = pd.Series(_length(words), index=words.index)
    around = chars.groupby([words["corpus"], words["document"], words["sentence"]], sort=False)
    before, after = around.shift(1, fill_value=0), around.shift(-1, fill_value=0)
    text = list(words["word"])
    return np.column_stack(
        [
            chars,
            before,
            after,
            position,
            size - 1 - position,
            position / size,
            size,
            [w[0].isupper() for w in text],
            [w.isupper() for w in text],
            [any(c.isdigit() for c in w) for w in text],
            [not w[-1].isalnum() for w in text],
            [not w[1:-1].isalnum() and len(w) > 2 for w in text],
            [np.log1p(max(seen[bare(w)] - own, 0)) for w in text],
        ]
    ).astype(np.float64)


def _length(words: pd.DataFrame) -> np.ndarray:
    return words["word"].str.len().to_numpy(dtype=np.float64)


def _length_frequency(words: pd.DataFrame) -> np.ndarray:
    return np.column_stack([_length(words), [zipf_of(bare(word)) for word in words["word"]]])
