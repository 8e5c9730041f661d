"""The positive control cannot be solved without its features, and the features say what it asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.linguistics.align import word_spans
from scriptorium.linguistics.annotate import text_key
from scriptorium.linguistics.features import FEATURES, SPANS
from scriptorium.tasks.marks import marked
from scriptorium.tasks.revealed import revealed
from tests.raw import Raw

SHORT = [f"{a}{b}" for a in "abcdefgh" for b in "xyz"]
LONG = [f"{word}{word}{word}{word}" for word in SHORT]
FILES = {"words.txt": "\n".join([*SHORT, *LONG])}
SETTINGS = {"labels": ("short", "long"), "options": {"examples": 2000, "words": 8, "vocabulary": 24}}


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Raw:
    return Raw(tmp_path_factory.mktemp("marked"))


@pytest.fixture(scope="module")
def table(raw) -> pd.DataFrame:
    return pd.concat(raw.task("marked_words", FILES, **SETTINGS).values(), ignore_index=True)


def test_half_of_the_words_are_short_and_the_label_is_the_kind_of_the_marked_one(table):
    assert len(table) == 2000
    for row in table.itertuples():
        words = row.text.split()
        assert sum(word in SHORT for word in words) == 4
        assert len(set(words)) == 8
        assert row.label == (words[marked(row.text)] in LONG)


def test_neither_words_nor_their_places_tell_the_label(table):
    """Correlations of all words, and of the kind of word at each place, are those of chance: 56 tests, 4 sd."""
    words = [text.split() for text in table["text"]]
    seen = np.array([[word in row for word in (*SHORT, *LONG)] for row in words], float)
    kinds = np.array([[word in LONG for word in row] for row in words], float)
    for columns in (seen, kinds):
        found = [abs(np.corrcoef(column, table["label"])[0, 1]) for column in columns.T]
        assert max(found) < 4 / np.sqrt(len(table))
    assert abs(table["label"].mean() - 0.5) < 4 * 0.5 / np.sqrt(len(table))


def test_another_order_of_the_same_words_may_have_the_other_label(table):
    words = table["text"].iloc[0].split()
    generator = np.random.default_rng(0)
    orders = [generator.permutation(words).tolist() for _ in range(50)]
    assert {order[marked(" ".join(order))] in LONG for order in orders} == {True, False}


def test_the_features_mark_one_word_and_every_word_is_a_span(raw, table):
    words = revealed(raw.root / "out", "marks")
    assert (words.groupby("text_key")["score_ner"].sum() == 1).all()
    text = table["text"].iloc[5]
    own = words[words["text_key"] == text_key(text)]
    assert own["word"].tolist() == text.split()
    assert own["score_word_length"].argmax() == marked(text)
    assert own[["start", "end"]].to_numpy().tolist() == word_spans(text).tolist()
    assert (own[list(FEATURES)] == 1).all(axis=None)
    assert all(own[name].tolist() == list(range(8)) for name in SPANS)


def test_measures_are_shares_of_their_scale_and_means_over_readings(tmp_path):
    label = [[np.array([50.0, 1.0]), np.array([100.0, 2.0])], [np.array([0.0, 3.0]), np.array([20.0, 4.0])]]
    for name, labels in (("train", label), ("validation", label[:1]), ("test", label[:1])):
        texts = ["two words"] * len(labels) if name == "train" else [f"{name} words"]
        pd.DataFrame({"id": "x", "text": texts, "text_b": None, "label": labels}).to_parquet(
            tmp_path / f"{name}.parquet"
        )
    words = revealed(tmp_path, "measures")
    found = {key: part["score_emotion"].astype(float).round(6).tolist() for key, part in words.groupby("text_key")}
    assert found == {
        text_key("two words"): [0.25, 0.6],
        text_key("validation words"): [0.5, 1.0],
        text_key("test words"): [0.5, 1.0],
    }


def test_what_cannot_be_made_is_refused(raw):
    with pytest.raises(UserError, match="fewer than 24 different long words"):
        raw.task("marked_words", {"words.txt": "\n".join([*SHORT, *LONG[:5]])}, **SETTINGS)
    with pytest.raises(UserError, match="more than twice"):
        raw.task("marked_words", FILES, labels=("short", "long"), options={"words": 8, "vocabulary": 2})
    with pytest.raises(UserError, match="short"):
        raw.task("marked_words", FILES, labels=("good", "bad"))
