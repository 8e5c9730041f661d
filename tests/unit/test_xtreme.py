"""XTREME's scores on cases computed by hand from its rules (docs/papers/veco.md section 4.5)."""

from __future__ import annotations

import pytest

from scriptorium.errors import UserError
from scriptorium.evaluation import tagging, xtreme
from scriptorium.evaluation.answer_scorers import mlqa_normaliser, scorers_of


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("en", "The  Beatles, a band!", "beatles band"),
        ("de", "Der Vater der Frau", "vater frau"),
        ("de", "The Beatles", "the beatles"),
        ("es", "¿Las casas de la abuela?", "casas de abuela"),
        ("vi", "Những ngôi nhà của tôi", "ngôi nhà tôi"),
        ("ar", "الكتاب، الكبير", "كتاب كبير"),
        ("hi", "राम और सीता।", "राम और सीता"),
        ("zh", "北京（Beijing city）2008年", "北 京 beijing city2008 年"),
    ],
)
def test_mlqa_normalises_by_language(language, text, wanted):
    assert mlqa_normaliser(language)(text) == wanted


@pytest.mark.parametrize(
    ("scorer", "language", "prediction", "answers", "exact", "f1"),
    [
        ("squad1", "de", "der Rhein", ["Rhein"], 0, 2 / 3),  # only English articles are left out
        ("squad1", "de", "the Rhein", ["Rhein"], 1, 1),
        ("mlqa", "de", "der Rhein", ["Rhein"], 1, 1),
        ("mlqa", "zh", "北京市", ["北京"], 0, 2 * 2 / 5),  # by character
        ("squad1", "zh", "北京市", ["北京"], 0, 0),  # one word each
        ("squad1", "en", "in the year 1999", ["1999", "the year 1999"], 0, 2 * 2 / 5),
        ("squad1", "en", "the", ["a"], 1, 0),  # no word is left, and no word in common is 0
    ],
)
def test_answers_are_scored_by_hand(scorer, language, prediction, answers, exact, f1):
    (score,) = scorers_of(scorer, [language], 1)
    assert score(prediction, answers) == pytest.approx((exact, f1))


def test_mlqas_scorer_refuses_a_language_that_it_does_not_know():
    with pytest.raises(UserError, match="does not know the language 'fr'"):
        scorers_of("mlqa", ["de", "fr"], 2)
    with pytest.raises(UserError, match="needs languages"):
        scorers_of("mlqa", None, 2)
    assert scorers_of("squad", None, 2) is None


def test_neighbouring_words_of_one_part_of_speech_are_one_chunk():
    names = ("NOUN", "VERB", "CCONJ", "SCONJ")
    true, guess = [[0, 0, 1, 2]], [[0, 0, 0, 3]]
    # true: NOUN 0-1, VERB 2, CCONJ 3; predicted: NOUN 0-2, SCONJ 3, which is no CCONJ
    assert tagging.totals(true, guess, names).tolist() == [[0, 2, 3, 2, 4]]
    guess = [[0, 0, 1, 3]]
    assert tagging.measures(true, guess, names)["f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert tagging.totals([[3, 3]], [[3, 3]], names)[0, :3].tolist() == [2, 2, 2]  # S... is a chunk by itself


def test_mined_pairs_count_once_and_none_right_is_zero():
    right = [("de-1", "en-1"), ("de-2", "en-2"), ("de-3", "en-3")]
    mined = [("de-1", "en-1"), ("de-1", "en-1"), ("de-2", "en-9")]
    assert xtreme.mining_f1(right, mined) == pytest.approx(2 * 1 / (3 + 2))  # precision 1/2, recall 1/3
    assert xtreme.mining_f1(right, [("de-1", "en-2")]) == 0 and xtreme.mining_f1(right, []) == 0
    assert xtreme.retrieval_accuracy([3, 1, 2], [3, 2, 2]) == pytest.approx(2 / 3)


def test_a_score_is_the_mean_over_languages_and_the_average_the_mean_over_tasks():
    of_answers = {"en": {"f1": 0.8, "em": 0.6}, "de": {"f1": 0.5, "em": 0.3}}
    assert xtreme.score_of_task("xquad", of_answers) == pytest.approx((0.7 + 0.4) / 2)
    assert xtreme.score_of_task("xnli", {"en": {"accuracy": 0.9}, "sw": {"accuracy": 0.5}}) == pytest.approx(0.7)
    with pytest.raises(UserError, match="xnli has no language 'ja'"):
        xtreme.score_of_task("xnli", {"ja": {"accuracy": 0.9}})
    # VECO's zero-shot row (docs/papers/veco.md 6.1): its own arithmetic gives 73.3, not the 73.1 that it prints
    row = {"xnli": 79.9, "pawsx": 88.7, "udpos": 75.1, "panx": 65.7, "xquad": (77.3 + 61.8) / 2}
    row |= {"mlqa": (71.7 + 53.2) / 2, "tydiqa": (67.6 + 49.1) / 2, "bucc2018": 85.0, "tatoeba": 75.1}
    assert xtreme.average(row) == pytest.approx(73.3, abs=0.05)


def test_the_tasks_have_as_many_languages_as_xtreme():
    found = {name: len(set(task.languages)) for name, task in xtreme.TASKS.items()}
    assert found == {
        "xnli": 15,
        "pawsx": 7,
        "udpos": 33,
        "panx": 40,
        "xquad": 11,
        "mlqa": 7,
        "tydiqa": 9,
        "bucc2018": 4,
        "tatoeba": 36,
    }
