"""Proves that reports of EyeLink, CELER, MECO, EMTeC and Natural Stories are read as they are, skipped words too."""

from __future__ import annotations

import numpy as np
import pytest

from scriptorium.errors import UserError
from tests.gaze_files import CELER, CELER_ROWS, EMTEC, EYELINK, EYELINK_ROWS, MECO, MECO_ROWS, SAMPLES, STORIES
from tests.raw import Raw

MEASURES = ["word", "n_fix", "ffd", "gd", "gpt", "trt", "fix_prop"]


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def read(raw, reader, **options):
    name, content, _ = SAMPLES[reader]
    return raw.gaze(reader, {name: content}, **options)


def test_a_laboratorys_own_report_loses_only_areas_without_a_word(raw):
    words = read(raw, "eyelink")
    assert words[MEASURES].to_numpy().tolist() == [["Go", 2, 200, 200, 200, 410, 1], ["home.", 0, 0, 0, 0, 0, 0]]
    assert words["n_participants"].tolist() == [2, 2]
    assert any("2 rows of report.txt have no word and are left out, first row 3" in n for n in raw.events("note"))
    renamed = EYELINK.replace("RECORDING_SESSION_LABEL", "subject").replace("\titem", "\tstory") + EYELINK_ROWS
    again = raw.gaze("eyelink", {"report.txt": renamed}, participant="subject", document="story")
    assert again.equals(words)
    with pytest.raises(UserError, match=r"report\.txt: column 'RECORDING_SESSION_LABEL' is missing"):
        raw.gaze("eyelink", {"report.txt": renamed})


def test_celer_has_a_sentence_per_document_and_labels_without_what_follows_the_tab(raw):
    words = read(raw, "celer")
    assert words[["document", "word", "n_participants"]].to_numpy().tolist() == [["s1", "Go", 2], ["s1", "home.", 2]]
    alone = CELER + CELER_ROWS + "1\t0\ts9\t1\tAlone.\t1\t200\t200\t200\t200\n"
    assert set(raw.gaze("celer", {"a.tsv": alone})["document"]) == {"s1"}
    assert set(raw.gaze("celer", {"a.tsv": alone}, texts="all")["document"]) == {"s1", "s9"}
    assert any("1 rows of a.tsv are of sentences that one participant alone" in n for n in raw.events("note"))
    with pytest.raises(UserError, match=r"a\.tsv, row 6: shared_text is 'no', neither 0 nor 1"):
        raw.gaze("celer", {"a.tsv": alone.replace("1\t0\ts9", "1\tno\ts9")})


def test_meco_reads_blank_cells_as_skipped_and_a_word_that_the_first_pass_missed(raw):
    words = read(raw, "meco")
    assert words[["document", "sentence", *MEASURES]].to_numpy().tolist() == [
        ["en-03", 0, "Janus", 2, 154, 154, 154, 400, 1],
        ["en-03", 0, "is", 0, 0, 0, 0, 0, 0],
        ["en-03", 1, "Old.", 1, 551, 0, 0, 551, 1],
    ]
    assert any("2 words of joint_data_trimmed.csv have no fixation count" in n for n in raw.events("note"))


def test_meco_leaves_out_whoever_read_another_text_under_the_number_and_chooses_a_language(raw):
    shifted = "".join(
        f"en,3,en_3,3,1,{at},{word},0,1,200,200,200,200\n" for at, word in ((1, "Other"), (2, "text"), (3, "here."))
    )
    content = MECO + MECO_ROWS + shifted + MECO_ROWS.replace("en", "du")
    words = raw.gaze("meco", {"a.csv": content}, language="en")
    assert words["word"].tolist() == ["Janus", "is", "Old."] and set(words["n_participants"]) == {2}
    assert any("participant en_3 is left out of document en-03" in n for n in raw.events("note"))
    assert set(raw.gaze("meco", {"a.csv": content})["document"]) == {"en-03", "du-03"}
    with pytest.raises(UserError, match="no row in language 'nl', valid names: du, en"):
        raw.gaze("meco", {"a.csv": content}, language="nl")
    with pytest.raises(UserError, match=r"a\.csv, row 8: document 'en-03'"):
        raw.gaze("meco", {"a.csv": MECO + MECO_ROWS + shifted}, disagreement="error")
    later = MECO.replace("ianum,ia", "wordnum,word")
    assert raw.gaze("meco", {"a.csv": later + MECO_ROWS})["word"].tolist() == ["Janus", "is", "Old."]


def test_emtecs_first_fixation_is_that_of_any_pass(raw):
    words = read(raw, "emtec")
    assert words[MEASURES].to_numpy().tolist() == [
        ["Once", 2, 210, 210, 210, 420, 1],
        ['"upon"', 1, 180, 0, 0, 180, 1],
    ]
    assert words["document"].tolist() == ["item1-phi2-topp"] * 2
    with pytest.raises(UserError, match=r"a\.csv: column 'TFC' is missing"):
        raw.gaze("emtec", {"a.csv": EMTEC.replace("TFC", "n")})


def test_self_paced_times_are_means_over_who_has_one_and_nothing_else_is_made_up(raw):
    words = read(raw, "natural_stories")
    assert words[["word", "trt", "n_participants"]].to_numpy().tolist() == [
        ["If", 400, 2],
        ['"you', 400, 1],
        ["were", 350, 1],
    ]
    assert words[["n_fix", "ffd", "gd", "gpt", "fix_prop"]].isna().all(axis=None)
    assert "gaze: 2 of 6 times of a participant and a word are not in the data" in raw.events("note")
    line = "w1\t9\t6\t1\t1\t{}\tIf\n"
    blank = raw.gaze("natural_stories", {"a.tsv": STORIES + line.format("") + line.format(300).replace("w1", "w2")})
    assert blank["trt"].tolist() == [300]
    for cell, message in (("-3", "RT is '-3', not above 0"), ("fast", "RT is 'fast', not a number")):
        with pytest.raises(UserError, match=rf"a\.tsv, row 2: {message}"):
            raw.gaze("natural_stories", {"a.tsv": STORIES + line.format(cell)})
    other = line.format(300) + line.format(300).replace("w1", "w2").replace("If", "When")
    with pytest.raises(UserError, match=r"a\.tsv, row 3: document '1' has two words at place 1: 'If' and 'When'"):
        raw.gaze("natural_stories", {"a.tsv": STORIES + other})
    assert np.isfinite(blank["trt"]).all()


def test_a_text_that_marks_no_sentence_ends_is_counted(raw):
    line = "ann\tt1\t{}\tgo\t1\t200\t200\t200\t200\n"
    words = raw.gaze("eyelink", {"a.txt": EYELINK + "".join(line.format(at) for at in range(1, 202))})
    assert words["sentence"].nunique() == 1
    assert any("1 sentences of corpus have more than 200 words" in n for n in raw.events("note"))


@pytest.mark.parametrize("reader", ["eyelink", "celer", "natural_stories"])
def test_a_ragged_row_and_an_empty_file_are_refused_with_their_place(raw, reader):
    name, content, _ = SAMPLES[reader]
    with pytest.raises(UserError, match="row 2: 2 cells, but"):
        raw.gaze(reader, {name: content.splitlines()[0] + "\none\ttwo\n"})
    with pytest.raises(UserError, match="the file is empty"):
        raw.gaze(reader, {name: ""})
