"""Proves that gaze corpora become one table: means over readers with zeros, aligned words, sensible sentences."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scriptorium.files.tables import write_parquet
from scriptorium.gaze.sentences import sentences
from scriptorium.gaze.table import COLUMNS
from tests.raw import Raw

ONESTOP = "participant_id,unique_paragraph_id,IA_ID,IA_LABEL,IA_FIXATION_COUNT,IA_FIRST_FIXATION_DURATION,"
ONESTOP += "IA_FIRST_RUN_DWELL_TIME,IA_REGRESSION_PATH_DURATION,IA_DWELL_TIME,repeated_reading_trial\n"
CSV = "document,sentence,word_index,word,participant,n_fix,ffd\n"


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def rows(participant: str, text: str, counts: list[int], paragraph: str = "p1", repeated: bool = False) -> str:
    """One participant's paragraph in the form of EyeLink's report; every fixation lasts 200 ms."""
    cells = zip(text.split(), counts, strict=True)
    return "".join(
        f"{participant},{paragraph},{number},{word},{n},"
        f"{200 if n else '.'},{200 if n else 0},{300 * n},{200 * n},{repeated}\n"
        for number, (word, n) in enumerate(cells)
    )


def test_means_include_participants_who_skipped_the_word(raw):
    words = raw.gaze(
        "onestop", {"ia.csv": ONESTOP + rows("a", "Wolves run.", [2, 0]) + rows("b", "Wolves run.", [1, 0])}
    )
    assert tuple(words.columns) == COLUMNS
    wolves, run = words.to_dict("records")
    assert wolves == {
        "corpus": "corpus",
        "document": "p1",
        "sentence": 0,
        "word_index": 0,
        "word": "Wolves",
        "n_fix": 1.5,
        "n_participants": 2,
        "ffd": 200.0,
        "gd": 200.0,
        "gpt": 450.0,
        "trt": 300.0,
        "fix_prop": 1.0,
    }
    assert (run["n_fix"], run["ffd"], run["fix_prop"]) == (0.0, 0.0, 0.0)


def test_fix_prop_is_the_share_of_participants_with_a_fixation(raw):
    text = "".join(
        rows(participant, "Wolves run.", [count, 1]) for participant, count in (("a", 3), ("b", 0), ("c", 0))
    )
    assert raw.gaze("onestop", {"ia.csv": ONESTOP + text})["fix_prop"].tolist() == [pytest.approx(1 / 3), 1.0]


def test_participant_whose_words_differ_is_left_out_of_that_paragraph_only_with_a_note(raw):
    text = rows("a", "an old-time wolf", [1, 1, 1]) + rows("b", "an old-time wolf", [3, 3, 3])
    text += (
        rows("c", "an old- time wolf", [9, 9, 9, 9]) + rows("c", "Hello.", [9], "p2") + rows("a", "Hello.", [1], "p2")
    )
    words = raw.gaze("onestop", {"ia.csv": ONESTOP + text}).set_index(["document", "word"])
    assert words["n_fix"].to_dict() == {("p1", "an"): 2, ("p1", "old-time"): 2, ("p1", "wolf"): 2, ("p2", "Hello."): 5}
    (note,) = raw.events("note")
    assert "participant c is left out of document p1: 4 words that differ from the 3 of the others" in note


def test_repeated_readings_do_not_count(raw):
    text = rows("a", "Hello.", [1]) + rows("b", "Hello.", [9], repeated=True)
    assert raw.gaze("onestop", {"ia.csv": ONESTOP + text})[["n_fix", "n_participants"]].to_numpy().tolist() == [[1, 1]]


def test_words_that_look_like_missing_values_stay_words(raw):
    words = raw.gaze("onestop", {"ia.csv": ONESTOP + rows("a", "None of the NA null nan", [1] * 6)})
    assert " ".join(words["word"]) == "None of the NA null nan"


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Wolves run. They hide!", ["Wolves run.", "They hide!"]),
        ("“It pains me.” She left.", ["“It pains me.”", "She left."]),
        ("(Really?) Yes.", ["(Really?)", "Yes."]),
        ("“Droppings!” he enthuses. Good.", ["“Droppings!” he enthuses.", "Good."]),
        ("The U.K. Government of Dr. Smith fell. It did.", ["The U.K. Government of Dr. Smith fell.", "It did."]),
        ("He left the U.K. The rest stayed.", ["He left the U.K.", "The rest stayed."]),
        ("J. R. R. Tolkien, e.g. here", ["J. R. R. Tolkien, e.g. here"]),
        ("It cost $5.50 in 1995. 30km on, it rose... Then", ["It cost $5.50 in 1995.", "30km on, it rose...", "Then"]),
        ("no end", ["no end"]),
    ],
)
def test_sentences_end_where_a_person_would_end_them(text, cut):
    numbers = pd.Series(sentences(text.split()))
    assert [" ".join(part) for _, part in pd.Series(text.split()).groupby(numbers)] == cut


def test_generic_table_gives_the_same_columns_whatever_its_order_and_counting(raw):
    text = "\n".join(
        [
            "d2,7,2,old.,r1,0,0",
            "d2,7,1,I'm,r1,2,180",
            "d2,7,0,I'm,r2,1,220",
            "d2,7,1,old.,r2,1,100",
            "d2,9,1,Yes.,r1,3,90",
            "d1,1,1,Go.,r9,1,50",
        ]
    )
    words = raw.gaze("csv", {"a.csv": CSV + text + "\n\n"})
    expected = [
        ("d1", 0, 0, "Go.", 1.0, 1, 50.0),
        ("d2", 0, 0, "I'm", 1.5, 2, 200.0),
        ("d2", 0, 1, "old.", 0.5, 2, 50.0),
        ("d2", 1, 0, "Yes.", 3.0, 1, 90.0),
    ]
    columns = ["document", "sentence", "word_index", "word", "n_fix", "n_participants", "ffd"]
    assert list(words[columns].itertuples(index=False, name=None)) == expected
    assert words[["gd", "gpt", "trt"]].isna().all(axis=None)


def test_one_file_per_participant_and_tab_separated_tables_are_one_corpus(raw):
    def one(participant):
        return CSV.replace(",", "\t") + f'd\t0\t0\t"Go"\t{participant}\t1\t50\n'

    words = raw.gaze("csv", {"a.tsv": one("a"), "b.tsv": one("b")})
    assert words[["word", "n_participants"]].to_numpy().tolist() == [['"Go"', 2]]


def test_same_input_gives_the_same_bytes(raw, tmp_path):
    files = {
        "ia.csv": ONESTOP
        + rows("a", "Wolves run. They hide.", [1, 2, 3, 4])
        + rows("b", "Wolves run. They hide.", [1] * 4)
    }
    digests = {
        hashlib.sha256(write_parquet(raw.gaze("onestop", files), tmp_path / f"{n}.parquet").read_bytes()).hexdigest()
        for n in range(2)
    }
    assert len(digests) == 1


REAL = Path(__file__).parents[2] / "resources/onestop/manifest.json"


@pytest.mark.skipif(not REAL.exists(), reason="needs resources/onestop (snakemake resources/onestop/manifest.json)")
def test_real_onestop_subset_has_its_known_numbers(raw):
    from scriptorium.gaze import corpora

    words = corpora.read("onestop", "onestop", {}, REAL, raw.ledger)
    assert (len(words), words["document"].nunique()) == (1307, 12)
    participants = words.groupby("document")["n_participants"].unique().map(list).to_dict()
    assert participants.pop("2_1_5_Adv") == [2] and set(map(tuple, participants.values())) == {(3,)}
    assert np.isclose(words["n_fix"].mean(), 1.2659, atol=1e-3)
    first = " ".join(words[(words["document"] == "2_2_1_Adv") & (words["sentence"] == 2)]["word"])
    assert first == "“Droppings!” he enthuses."
