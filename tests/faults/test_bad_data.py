"""Proves that wrong data are refused before any work, with the file, the row and a remedy."""

from __future__ import annotations

import pytest

from scriptorium.errors import UserError
from tests.raw import Raw

GAZE = "document,sentence,word_index,word,participant,n_fix\n"
TWO = GAZE + "d,0,0,Go,r1,1\nd,0,1,on.,r1,2\nd,0,0,Go,r2,0\n"
ONESTOP = "participant_id,unique_paragraph_id,IA_ID,IA_LABEL,IA_FIXATION_COUNT,IA_FIRST_FIXATION_DURATION,"
ONESTOP += "IA_FIRST_RUN_DWELL_TIME,IA_REGRESSION_PATH_DURATION,IA_DWELL_TIME\n"


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def refused(caught: pytest.ExceptionInfo[UserError], *parts: str) -> None:
    """The message holds all parts and says what to do."""
    text = str(caught.value)
    for part in parts:
        assert part in text, text
    assert "remedy:" in text


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (GAZE.replace("n_fix", "nfix") + "d,0,0,Go,r,1\n", ("a.csv: column 'n_fix' is missing, did you mean 'nfix'?",)),
        (GAZE + "d,0,0,Go,r,1\nd,0,1,on,r,two\n", ("a.csv, row 3: n_fix is 'two', not a number",)),
        (GAZE + "d,0,0,Go,r,one\n", ("a.csv, row 2: n_fix is 'one', not a number",)),
        (GAZE + "d,0,0,Go,r,nan\n", ("a.csv, row 2: n_fix is 'nan', not a number",)),
        (GAZE + "d,0,0,Go,r,-1\n", ("a.csv, row 2: n_fix is '-1', not a number of at least 0",)),
        (GAZE + "d,0,0.5,Go,r,1\n", ("a.csv, row 2: word_index is '0.5', not a whole number",)),
        (
            GAZE + "d,0,0,Go,r,1\nd,0,2,on,r,1\n",
            ("a.csv, row 3", "participant 'r': has word 2 where word 1 was expected"),
        ),
        (
            GAZE + "d,0,0,Go,r,1\nd,0,0,Go,r,1\n",
            ("a.csv, row 3", "participant 'r' has word 0 twice", "the first is in", "a.csv, row 2"),
        ),
        (GAZE + "d,0,2,Go,r,1\n", ("a.csv, row 2", "has word 2 where word 1 was expected")),
        (TWO, ("a.csv, row 4", "document 'd', sentence 0, participant 'r2': has 1 words, but 2 for participant 'r1'")),
        (
            TWO + "d,0,1,off.,r2,0\n",
            ("a.csv, row 5", "participant 'r2': word 1 is 'off.', but 'on.' for participant 'r1'"),
        ),
        (GAZE + "d,0,0,Go on,r,1\n", ("a.csv, row 2: 'Go on' is not one word",)),
        (GAZE + "d,0,0,,r,1\n", ("a.csv, row 2: '' is not one word",)),
        (GAZE, ("a.csv: the table has no rows",)),
        ("", ("a.csv: the file is empty",)),
        (GAZE + "d,0,0,Go,r,1\nd,0,1,on,r,1,1,1\n", ("a.csv, row 3: not a regular table",)),
        (GAZE + "d,0,0,Go,r,1,7,8\n", ("a.csv, row 2: more cells than columns",)),
        ((GAZE + "d,0,0,Go,r,1\nd,0,1,Caf").encode() + b"\xe9,r,1\n", ("a.csv, line 3: not UTF-8: byte 0xe9", "iconv")),
    ],
)
def test_faulty_gaze_table_is_refused_with_file_and_row(raw, content, parts):
    with pytest.raises(UserError) as caught:
        raw.gaze("csv", {"a.csv": content})
    refused(caught, str(raw.root / "set"), *parts)


def test_participants_in_two_files_are_compared_with_each_other(raw):
    files = {"a.csv": GAZE + "d,0,0,Go,r1,1\nd,0,1,on,r1,1\n", "b.csv": GAZE + "d,0,0,Go,r2,1\n"}
    with pytest.raises(UserError) as caught:
        raw.gaze("csv", files)
    refused(caught, "b.csv, row 2", "has 1 words, but 2 for participant 'r1'")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (
            ONESTOP.replace("IA_FIXATION_COUNT", "IA_FIXATIONCOUNT") + "a,p,0,Go,1,1,1,1,1\n",
            "did you mean 'IA_FIXATIONCOUNT'",
        ),
        (ONESTOP + "a,p,0,Go,.,1,1,1,1\n", "ia.csv, row 2: IA_FIXATION_COUNT is '.', not a number"),
        (ONESTOP + "a,p,0,Go,1,1,1,x,1\n", "ia.csv, row 2: IA_REGRESSION_PATH_DURATION is 'x', not a number"),
    ],
)
def test_faulty_eyelink_table_is_refused_with_file_and_row(raw, content, part):
    with pytest.raises(UserError) as caught:
        raw.gaze("onestop", {"ia.csv": content})
    refused(caught, part)


def test_data_set_without_the_file_that_a_reader_needs_is_named(raw):
    with pytest.raises(UserError) as caught:
        raw.gaze("csv", {"a.docx": "x"})
    refused(caught, "no file ending in .csv or .tsv (it has a.docx)", "config/datasets.tsv")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (
            "text\tlabel\nfine\tgood\nodd\tugly\n",
            "a.tsv, row 3: label 'ugly' is not among the task's labels: bad, good",
        ),
        ("text\tlable\nfine\tgood\n", "a.tsv: column 'label' is missing, did you mean 'lable'?"),
        ("text\tlabel\nfine\tgood\n\tbad\n", "a.tsv, row 3: text is empty"),
        (
            "text\tlabel\tsplit\nfine\tgood\ttrial\n",
            "a.tsv, row 2: split 'trial' is not among the task's splits: train, validation, test, dev",
        ),
        ("text\tlabel\tid\na\tgood\t1\nb\tgood\t1\n", "id '1' is there twice"),
        (b"text\tlabel\nfine\tgood\nna\xefve\tbad\n", "a.tsv, line 3: not UTF-8: byte 0xef"),
        ("text\tlabel\nfine\tgood\n", "split 'validation' has no examples"),
        ("text\tlabel\tsplit\na\tgood\ttrain\nb\tbad\ttest\n", "split 'validation' has no examples"),
    ],
)
def test_faulty_task_table_is_refused_with_file_and_row(raw, content, part):
    with pytest.raises(UserError) as caught:
        raw.task("tsv", {"a.tsv": content})
    refused(caught, part)


def test_word_where_a_regression_needs_a_number_is_refused(raw):
    with pytest.raises(UserError) as caught:
        raw.task("tsv", {"a.tsv": "text\tlabel\nfine\thigh\n"}, kind="regression", labels=())
    refused(caught, "a.tsv, row 2: label is 'high', not a number")


@pytest.mark.parametrize("reader", ["tsv", "vader"])
@pytest.mark.parametrize("kind", ["tagging", "gaze"])
def test_reader_of_texts_is_refused_where_every_word_needs_a_label(raw, reader, kind):
    with pytest.raises(UserError, match=f"gives a label per text, kind: classification or regression, not {kind}"):
        raw.task(reader, {"a.tsv": "text\tlabel\nfine\tgood\n"}, kind=kind)


def test_reader_of_classes_is_refused_for_regression(raw):
    with pytest.raises(UserError, match="gives classes, kind: classification, not regression"):
        raw.task("tatoeba_paraphrase", {"SENTENCES": ""}, kind="regression", labels=())


@pytest.mark.parametrize(
    ("reader", "settings", "part"),
    [
        ("tvs", {}, "reader: unknown value 'tvs', did you mean 'tsv'?"),
        ("vader", {"options": {"domian": "movie"}}, "unknown key 'options.domian', did you mean 'domain'?"),
        ("vader", {"options": {"domain": "movies"}}, "options.domain: unknown value 'movies', did you mean 'movie'?"),
        ("vader", {"options": {"threshold": "high"}}, "options.threshold: Input should be a valid number"),
        ("vader", {}, "reader 'vader' gives the label 'negative', which is not among the task's labels: bad, good"),
    ],
)
def test_task_that_does_not_fit_its_reader_is_refused(raw, reader, settings, part):
    with pytest.raises(UserError, match=part):
        raw.task(reader, {"movieReviewSnippets_GroundTruth.txt": "1\t2.0\tGreat film.\n"}, **settings)


def test_damaged_ratings_and_sentences_are_refused_with_their_line(raw):
    with pytest.raises(UserError, match=r"GroundTruth\.txt, line 2: expected an id, a rating from -4 to 4 and a text"):
        raw.task(
            "vader",
            {"movieReviewSnippets_GroundTruth.txt": "1\t2.0\tFilm.\n2\tFilm.\n"},
            labels=("negative", "positive"),
        )
    with pytest.raises(UserError, match=r"SENTENCES, line 1: 2 columns instead of 9"):
        raw.task("tatoeba_paraphrase", {"SENTENCES": "1\tj\n"}, labels=("different", "paraphrase"))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("", "a.txt: the file is empty"),
        (" \n\t\n", "a.txt: the file is empty"),
        (b"One.\n\nTwo.\nna\xefve\n", "a.txt, line 4: not UTF-8: byte 0xef at column 3"),
        (b"One.\n\x00\x01PNG", "a.txt, line 2: holds a zero byte, so it is not text"),
        ("Only one document.", "only 1 documents, so none can be held out"),
    ],
)
def test_faulty_text_is_refused_with_file_and_line(raw, content, part):
    with pytest.raises(UserError) as caught:
        raw.corpus(("text", {"a.txt": content}))
    refused(caught, part)


def test_corpus_with_an_unknown_reader_is_refused(raw):
    with pytest.raises(UserError, match=r"sources.0.reader: unknown value 'txt', did you mean 'text'"):
        raw.corpus(("txt", {"a.txt": "One."}))
