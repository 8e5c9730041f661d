"""Proves the noise ceiling of gaze corpora: reliability of the participants, and of sentences recorded twice."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from scriptorium.gaze import ceiling
from scriptorium.stage import execute
from scriptorium.stages import prepare_gaze
from tests.raw import Raw


def recorded(participants, sentences=60, length=6, noise=1.0, seed=0) -> pd.DataFrame:
    """n_fix = a word's own level + noise of each participant, as rows of one word and participant."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(sentences):
        level = generator.normal(size=length)
        for participant in range(participants):
            for index in range(length):
                value = level[index] + noise * generator.normal()
                rows.append(("d", number, index, f"r{participant}", value))
    return pd.DataFrame(rows, columns=["document", "sentence", "word_index", "participant", "n_fix"])


def test_two_participants_give_the_spearman_brown_formula_in_every_draw():
    rows = recorded(2)
    a, b = (rows[rows["participant"] == participant]["n_fix"].to_numpy() for participant in ("r0", "r1"))
    r = np.corrcoef(a, b)[0, 1]
    found = ceiling.split_half(rows, draws=7)
    assert found["split_half_r"] == pytest.approx(2 * r / (1 + r))
    assert found["split_half_sd"] == pytest.approx(0, abs=1e-12)
    assert found["ceiling_r"] == pytest.approx(np.sqrt(2 * r / (1 + r)))
    assert found["ceiling_participants"] == 2


@pytest.mark.parametrize("participants", [3, 4, 9])
def test_reliability_is_that_of_the_mean_of_all_participants(participants):
    """Noise variance v per participant leaves 1 / (1 + v / n) of the variance of a mean over n of them to the words."""
    found = ceiling.split_half(recorded(participants, sentences=800, noise=2.0), draws=40)
    assert found["split_half_r"] == pytest.approx(1 / (1 + 4 / participants), abs=0.03)


def test_participants_who_agree_make_a_ceiling_of_one():
    assert ceiling.split_half(recorded(5, noise=0.0), draws=3)["split_half_r"] == pytest.approx(1.0)


def test_sentences_with_one_reader_are_left_out_and_alone_give_nothing():
    rows = recorded(3)
    lonely = rows[rows["participant"] == "r0"].assign(document="e", n_fix=99.0)
    assert ceiling.split_half(pd.concat([rows, lonely], ignore_index=True), draws=5) == ceiling.split_half(rows, 5)
    assert ceiling.split_half(lonely, draws=5) == {}


def test_halves_are_a_function_of_the_seed_not_of_the_order_of_the_rows():
    rows = recorded(5)
    first = ceiling.split_half(rows, draws=4)
    shuffled = rows.sample(frac=1, random_state=1, ignore_index=True)
    assert ceiling.split_half(shuffled, draws=4) == pytest.approx(first)
    assert ceiling.split_half(rows, draws=4, seed=1) != first


def test_recordings_of_one_sentence_are_compared_whatever_its_punctuation():
    texts = ["Wolves run at night, alone.", "``Wolves run at night, alone", "Somebody else is quite awake.", "He ran."]
    n_fix = [[1, 2, 0, 1, 4], [2, 2, 1, 1, 3], [9, 9, 9, 9, 9], [9, 9]]
    rows = [
        (f"d{d}", 0, i, word, float(n))
        for d, (text, counts) in enumerate(zip(texts, n_fix, strict=True))
        for i, (word, n) in enumerate(zip(text.split(), counts, strict=True))
    ]
    words = pd.DataFrame(
        [*rows, ("d9", 0, 0, "He", 1.0), ("d9", 0, 1, "ran.", 1.0)],
        columns=["document", "sentence", "word_index", "word", "n_fix"],
    )
    found = ceiling.repeats(words)
    assert found["repeat_sentences"] == 1  # two words stand twice by chance
    assert found["repeat_mae"] == pytest.approx(3 / 5)
    assert found["repeat_r"] == pytest.approx(np.corrcoef(n_fix[0], n_fix[1])[0, 1])


@pytest.mark.parametrize(("participants", "known"), [("ab", True), ("a", False)])
def test_the_stage_writes_the_ceiling_beside_the_table(tmp_path, participants, known):
    raw = Raw(tmp_path)
    text = "document,sentence,word_index,word,participant,n_fix\n"
    text += "".join(f"d,{s},{i},w{i},{r},{(s + i) % 3}\n" for s in range(4) for r in participants for i in range(5))
    spec = prepare_gaze.GazeCorpusSpec(corpus="lab", reader="csv")
    execute(
        "prepare_gaze",
        spec,
        prepare_gaze.run,
        out=tmp_path / "lab",
        inputs={"raw": [raw.add({"a.csv": text})]},
        outputs={"words": tmp_path / "lab.parquet"},
        state=tmp_path / ".state",
    )
    found = json.loads((tmp_path / "lab/ceiling.json").read_text())
    assert found["repeat_sentences"] == 1
    assert ("split_half_r" in found) == known
    if known:
        assert found["split_half_r"] == pytest.approx(1.0)  # both participants say the same
