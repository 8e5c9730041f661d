"""Proves that no gaze reader takes a row that is given twice for two words, and that none crashes on a damaged file."""

from __future__ import annotations

import numpy as np
import pytest

from scriptorium.errors import UserError
from scriptorium.gaze.readers.spec import OPTIONS
from tests.gaze_files import CMCL_2022, MEANS, ONESTOP, SAMPLES, workbook
from tests.raw import Raw

# who is named; means have nobody
PEOPLE = {"onestop": "a", "csv": "a", "zuco": "ZAB", "geco": "pp01", "provo": "S1", "eyelink": "ann", "celer": "1"}
PEOPLE |= {"meco": "en_1", "emtec": "ET_01", "natural_stories": "w1"}
ROWS = [reader for reader, (_, _, twice) in SAMPLES.items() if twice is not None]


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def named(text: str, reader: str, *parts: str) -> None:
    for part in (*parts, "twice", "remedy:"):
        assert part in text, text
    assert reader not in PEOPLE or f"participant {PEOPLE[reader]!r}" in text


def test_every_reader_has_a_sample():
    assert set(SAMPLES) == set(OPTIONS)


@pytest.mark.parametrize("reader", SAMPLES)
def test_a_sample_as_it_is_holds_no_word_twice(raw, reader):
    name, content, _ = SAMPLES[reader]
    words = raw.gaze(reader, {name: content})
    assert len(words) and not words.duplicated(["document", "sentence", "word_index"]).any()


@pytest.mark.parametrize("reader", ROWS)
def test_rows_given_twice_in_a_file_are_refused_with_file_row_and_participant(raw, reader):
    name, _, twice = SAMPLES[reader]
    with pytest.raises(UserError) as caught:
        raw.gaze(reader, {name: twice})
    assert caught.value.where.startswith(str(raw.root / "set" / name)) and "row " in caught.value.where
    named(str(caught.value), reader)


@pytest.mark.parametrize("reader", SAMPLES)
def test_two_files_with_the_same_rows_are_refused_with_both_files(raw, reader):
    name, content, _ = SAMPLES[reader]
    with pytest.raises(UserError) as caught:
        raw.gaze(reader, {f"one/{name}": content, f"two/{name}": content})
    named(str(caught.value), reader, f"one/{name}", f"two/{name}")


def test_repeated_reading_trials_are_dropped_however_the_flag_is_written(raw):
    """R and Python write truth values, spreadsheets and databases 0 and 1."""
    columns = ONESTOP.replace("\n", ",repeated_reading_trial\n")
    for no, yes in (("False", "True"), ("FALSE", "TRUE"), ("0", "1")):
        text = columns + "".join(
            f"a,p,{at},{word},1,200,200,200,200,{flag}\n"
            for flag in (no, yes)
            for at, word in enumerate(("Ships", "leave", "early."), start=1)
        )
        assert raw.gaze("onestop", {"ia.csv": text})["word"].tolist() == ["Ships", "leave", "early."]
    with pytest.raises(UserError, match=r"ia\.csv, row 3: repeated_reading_trial is 'maybe', neither True nor False"):
        raw.gaze("onestop", {"ia.csv": columns + "a,p,1,Go,1,1,1,1,1,0\na,p,2,on,1,1,1,1,1,maybe\n"})


def test_rows_given_twice_are_not_taken_for_a_participant_with_other_words(raw):
    """A doubled participant beside single ones would differ from the majority, and be left out of the paragraph."""
    one = "".join(f"{{}},p,{at},{word},1,200,200,200,200\n" for at, word in enumerate(("Go", "home."), start=1))
    with pytest.raises(UserError, match="participant 'a' has word 1 twice"):
        raw.gaze("onestop", {"ia.csv": ONESTOP + "".join(one.replace("{}", who) for who in "aabc")})


def test_two_rows_of_a_russian_word_with_other_numbers_are_one_word_with_their_mean(raw):
    """As released: CMCL 2022 has 51 such words."""
    rows = "ru,RSC-19,0.0,За,6,1,12,2\nru,RSC-19,1.0,год,4,1,10,2\nru,RSC-19,1.0,год,2,1,20,2\n"
    words = raw.gaze("cmcl2022", {"train.csv": CMCL_2022 + rows})
    assert words[["word", "ffd", "trt"]].to_numpy().tolist() == [["За", 6, 12], ["год", 3, 15]]
    assert any("1 words of train.csv have several rows" in note for note in raw.events("note"))


def test_tab_separated_table_that_is_named_csv_is_read(raw):
    """So are OneStop's interest-area reports."""
    name, content, _ = SAMPLES["onestop"]
    assert raw.gaze("onestop", {name: content.replace(",", "\t")}).equals(raw.gaze("onestop", {name: content}))


def test_blank_cells_are_a_skipped_word_and_half_a_row_of_them_is_refused(raw):
    head = "document,sentence,word_index,word,participant,n_fix,ffd,trt\n"
    words = raw.gaze("csv", {"a.csv": head + "d,0,1,Go,a,1,200,200\nd,0,2,home.,a,,,\n"})
    assert words[["n_fix", "ffd", "trt", "fix_prop"]].to_numpy().tolist() == [[1, 200, 200, 1], [0, 0, 0, 0]]
    assert any(
        "1 words of a.csv have no fixation count and are read as skipped, first row 3" in note
        for note in raw.events("note")
    )
    for cells in (",200,200", "1,,200", "1,200,", "0,200,200"):
        with pytest.raises(UserError, match=r"a\.csv, row 3: fixations and durations do not fit: n_fix") as caught:
            raw.gaze("csv", {"a.csv": head + f"d,0,1,Go,a,1,200,200\nd,0,2,home.,a,{cells}\n"})
        assert "a word that was skipped has 0, a blank cell" in caught.value.remedy


@pytest.mark.parametrize("column", ["reader", "reader_id"])
def test_column_of_the_former_name_is_refused_with_the_new_one(raw, column):
    with pytest.raises(UserError, match=f"'{column}' is now called 'participant") as caught:
        raw.gaze("csv", {"a.csv": f"document,sentence,word_index,word,{column},n_fix\nd,0,0,Go,a,1\n"})
    assert "rename the column to participant" in caught.value.remedy


def test_sentence_num_of_an_export_numbers_its_sentences(raw):
    """DS3Lab's exports; their titles and headings end without punctuation."""
    head = MEANS.replace("sentence_id,word_id", "sentence_num")
    numbers = ",1,200,200,200,1\n"
    text = head + "".join(f"{n},{word}{numbers}" for n, word in ((0, "A"), (0, "clerk"), (1, "He"), (1, "left.")))
    words = raw.gaze("means", {"words.csv": text})
    assert words.groupby("document")["word"].agg(" ".join).tolist() == ["A clerk", "He left."]
    with pytest.raises(UserError, match=r"words\.csv, row 6: sentence 0 begins a second time"):
        raw.gaze("means", {"words.csv": text + f"0,A{numbers}0,clerk{numbers}"})


GECO_ROW = ("pp01", 1, 5, "1-5-1")
NUMBERS = (1, 200, 200, 220, 200)


@pytest.mark.parametrize(("cell", "word"), [(7.3, "7.3"), (17, "17"), (17.0, "17"), ('said" ...he', 'said"_...he')])
def test_numbers_and_blanks_in_a_geco_cell_are_one_word(raw, cell, word):
    assert raw.gaze("geco", {"a.xlsx": workbook([(*GECO_ROW, cell, *NUMBERS)])})["word"].tolist() == [word]


@pytest.mark.parametrize(("cell", "shown"), [(True, "truth value"), (None, "empty"), ("#NAME?", "formula's error")])
def test_what_a_spreadsheet_made_of_a_word_is_refused_with_its_row(raw, cell, shown):
    with pytest.raises(UserError, match=f"sheet 'DATA', row 2: WORD is .*{shown}"):
        raw.gaze("geco", {"a.xlsx": workbook([(*GECO_ROW, cell, *NUMBERS)])})


@pytest.mark.parametrize("reader", SAMPLES)
def test_damaged_files_are_read_or_refused_but_never_crash(raw, reader):
    """Bytes changed, cut out or doubled at random: no traceback, and no word twice."""
    name, content, _ = SAMPLES[reader]
    sound = content.encode() if isinstance(content, str) else content
    generator = np.random.default_rng([len(reader), len(sound)])
    refused = 0
    for _ in range(20):
        data = bytearray(sound)
        at = int(generator.integers(len(data)))
        kind = generator.integers(4)
        if kind == 0:
            data[at] = int(generator.integers(256))
        elif kind == 1:
            del data[at : at + int(generator.integers(1, 40))]
        elif kind == 2:
            data[at:at] = data[at : at + 40]
        else:
            del data[at:]
        try:
            words = raw.gaze(reader, {name: bytes(data)})
        except UserError as error:
            refused += 1
            assert str(raw.root / "set") in str(error)
        else:
            assert not words.duplicated(["document", "sentence", "word_index"]).any()
    assert refused > 0
