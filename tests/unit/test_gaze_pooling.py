"""Proves what is done before corpora are pooled: doubles are found, forbidden texts stay out, levels are made equal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scriptorium.gaze import corpora, pooling
from scriptorium.gaze.folds import groups
from scriptorium.linguistics.annotate import sentences
from tests.own_data import own
from tests.raw import Raw


def test_a_text_is_the_same_whatever_its_case_and_punctuation():
    assert pooling.normalised("``13 Conversations'' holds up.") == pooling.normalised("13 conversations holds UP")
    assert pooling.normalised("a-b_c") == "a b c"
    assert pooling.normalised("...") == "..."


def test_duplicates_are_counted_by_pair_of_corpora_and_within_one():
    said = pd.DataFrame(
        [("a", "One."), ("a", "one"), ("a", "Two."), ("b", "Two!"), ("b", "One"), ("c", "Three"), ("c", "Two")],
        columns=["corpus", "text"],
    )
    assert pooling.duplicates(said) == {("a", "a"): 1, ("a", "b"): 2, ("a", "c"): 1, ("b", "c"): 1}


def test_forbidden_texts_are_found_in_other_cuts_and_spellings():
    forbidden = ["He was, in 1901, the first president of the Royal College there.", "Go on."]
    texts = [
        "he was in 1901 the first president of the royal college there",
        "After all, he was in 1901 the first president of Yale.",  # eight words in a row
        "He was in 1901 the first man there.",
        "Go on!",
        "Go on now.",
    ]
    assert pooling.overlapping(texts, forbidden).tolist() == [True, True, False, True, False]


def test_documents_that_share_a_sentence_but_for_punctuation_stay_together():
    said = pd.DataFrame(
        [("x", "a", "Six words that are the same."), ("y", "b", "six words that are the same")],
        columns=["corpus", "document", "text"],
    )
    assert len(set(groups(said.assign(text_key=["0", "1"])).values())) == 1


def test_scaling_gives_corpora_one_level_and_comes_back():
    corpus = np.array(["a"] * 3 + ["b"] * 3)
    n_fix = np.array([0.0, 1, 2, 0, 3, 6])
    scale = pooling.CorpusScale.fit(corpus, n_fix)
    scaled = scale.to_pool(corpus, n_fix)
    assert scaled == pytest.approx([0, 2, 4, 0, 2, 4])  # both means are 2, zeros stay zeros
    assert scale.to_corpus(corpus, scaled) == pytest.approx(n_fix)
    assert scale.to_corpus(np.array(["new"]), np.array([1.5])) == pytest.approx([1.5])


def test_scaling_of_one_corpus_changes_nothing_and_knows_only_its_training_words():
    corpus, n_fix = np.array(["a"] * 4), np.array([1.0, 2, 3, 100])
    scale = pooling.CorpusScale.fit(corpus[:3], n_fix[:3])
    assert scale.to_pool(corpus, n_fix) == pytest.approx(n_fix)
    assert scale == pooling.CorpusScale.fit(corpus[:3], np.array([1.0, 2, 3]))


def test_a_corpus_nobody_fixated_keeps_its_zeros():
    scale = pooling.CorpusScale.fit(np.array(["a", "b"]), np.array([0.0, 2.0]))
    assert scale.to_pool(np.array(["a", "b"]), np.array([0.0, 2.0])) == pytest.approx([0.0, 1.0])


def test_real_test_sentences_of_cmcl_are_found_in_zuco_and_only_there(tmp_path):
    """These word means of ZuCo were cleaned of CMCL test sentences, so none is left to find; validation ones are."""
    folder = own("cmcl2021_zuco")
    raw = Raw(tmp_path)
    artifact = raw.add({"words.csv": own("zuco_words_raw/zuco_words.csv").read_bytes()}, "zuco")
    zuco = corpora.read("zuco", "means", {"duration_unit": "samples500"}, artifact, raw.ledger)
    found = {}
    for name, options in (("valid", {}), ("test_inputs_unlabelled", {"labelled": False})):
        artifact = raw.add({f"{name}.csv": (folder / f"{name}.csv").read_bytes()}, name)
        words = corpora.read(name, "cmcl2021", options, artifact, raw.ledger)
        found[name] = pooling.overlapping(sentences(words)["text"], sentences(zuco)["text"])
    assert found["valid"].sum() >= 171 and len(found["valid"]) == 200
    assert found["test_inputs_unlabelled"].sum() == 0
