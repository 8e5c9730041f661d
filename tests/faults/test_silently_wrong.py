"""Proves that data which look well formed, but say something else than was meant, are refused or read as meant."""

from __future__ import annotations

import pandas as pd
import pytest

from scriptorium.config.loading import read_tsv
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import UserError
from scriptorium.gaze.regressor.glove import FileVectors
from scriptorium.tasks.choices import stated
from tests.gaze_files import GECO_ROWS, MEANS, workbook
from tests.raw import Raw

GAZE = "document,sentence,word_index,word,participant,n_fix\n"
TASK = "".join(f"{n}\tfilm {n}\t{'good' if n % 2 else 'bad'}\n" for n in range(20))
HEAD = "id\ttext\tlabel\n"
CSV_TASK = "".join(f'{n},"film, {n}",{"good" if n % 2 else "bad"}\n' for n in range(20))


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def texts(splits: dict[str, pd.DataFrame]) -> list[str]:
    return sorted(text for part in splits.values() for text in part["text"])


@pytest.mark.parametrize("rating", ["nan", "inf", "-inf"])
def test_rating_of_vader_is_a_number(raw, rating):
    lines = f"1\t{rating}\tAn odd film\n2\t-2.5\tA bad one\n"
    with pytest.raises(UserError, match=r"GroundTruth.txt, line 1"):
        raw.task("vader", {"movieReviewSnippets_GroundTruth.txt": lines}, labels=("negative", "positive"))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_column_that_is_named_twice_is_refused(raw, name):
    table = "text\tlabel\ttext\nfine\tgood\tother\n"
    with pytest.raises(UserError, match=r"column 'text' is named twice"):
        raw.task("tsv", {name: table if name == "a.tsv" else table.replace("\t", ",")})


def test_column_of_pairs_and_of_glue_that_is_named_twice_is_refused(raw):
    with pytest.raises(UserError, match="column 'en' is named twice"):
        raw.pairs(("tsv", {"a.tsv": "en\tde\ten\nGo\tGeh\tNo\nOn\tAn\tOff\n"}))
    glue = "sentence\tlabel\tlabel\nfine\t1\t0\n"
    with pytest.raises(UserError, match="column 'label' is named twice"):
        raw.task(
            "glue", {"train.tsv": glue, "dev.tsv": glue}, labels=("negative", "positive"), options={"task": "sst2"}
        )


def test_sheet_whose_column_is_named_twice_is_refused(raw):
    from tests.gaze_files import GECO

    with pytest.raises(UserError, match="column 'WORD' is named twice"):
        raw.gaze("geco", {"L1.xlsx": workbook([(*row, "x") for row in GECO_ROWS], [*GECO, "WORD"])})


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_zero_byte_in_a_table_is_refused_with_its_line(raw, name):
    table = HEAD + TASK.replace("film 3", "film\0 3")
    with pytest.raises(UserError, match=rf"{name}, line 5.*zero byte"):
        raw.task("tsv", {name: table if name == "a.tsv" else table.replace("\t", ",")})


def test_zero_byte_in_lines_of_a_task_is_refused_with_its_line(raw):
    lines = "Go VB O\nhome NN O\n\n"
    with pytest.raises(UserError, match=r"train.txt, line 2.*zero byte"):
        raw.task(
            "conll",
            {"train.txt": lines.replace("home", "ho\0me"), "test.txt": lines},
            kind="tagging",
            labels=("O",),
            options={"task": "chunking"},
        )


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ('2,"film 2,bad', "row"),  # never closed
        ('2,"film" 2,bad', "row 4"),  # text behind the end of a quoted cell
        ('2,"film 2,bad\n3,film" 3,good', "row 4"),  # closed in the next row: both would be one
        ('2,"film 2,bad\n3,film 3",good', "row 4"),
    ],
)
def test_open_quotation_mark_never_merges_rows(raw, wrong, where):
    rows = [f"{n},film {n},{'good' if n % 2 else 'bad'}" for n in range(20)]
    rows[2 : 2 + wrong.count("\n") + 1] = [wrong]
    with pytest.raises(UserError, match=rf"a.csv, {where}") as caught:
        raw.task("tsv", {"a.csv": "id,text,label\n" + "\n".join(rows) + "\n"})
    assert "quotation mark" in str(caught.value)


def test_text_of_several_lines_in_a_csv_is_one_text(raw):
    rows = CSV_TASK.replace('"film, 3"', '"film,\n""three"""')
    assert 'film, "three"' in texts(raw.task("tsv", {"a.csv": "id,text,label\n" + rows}))


def test_row_with_too_few_cells_is_refused(raw):
    with pytest.raises(UserError, match=r"a.tsv, row 4.*fewer cells"):
        raw.task("tsv", {"a.tsv": HEAD + TASK.replace("film 2\tbad", "film 2")})


QUOTED = ['They said "ship 3" twice', 'a "b"', "tab\there", "line\nbreak", "plain", '"', '""', "a,b"]


def test_table_that_pandas_has_written_is_read_as_it_was(raw):
    frame = pd.DataFrame({"text": [*QUOTED, *(f"film {n}" for n in range(20))]})
    frame["label"] = ["good", "bad"] * (len(frame) // 2)
    for name, separator in (("a.tsv", "\t"), ("b.csv", ",")):
        read = Raw(raw.root / name).task("tsv", {name: frame.to_csv(sep=separator, index=False)})
        assert texts(read) == sorted(" ".join(text.split()) for text in frame["text"])


PLAIN = [*QUOTED[:2], '"fine"', '"open']


def test_quotation_marks_of_a_table_that_does_not_quote_stay(raw):
    rows = [f"{text}\t{label}" for text, label in zip(PLAIN, ["good", "bad"] * 2, strict=True)]
    read = raw.task("tsv", {"a.tsv": "text\tlabel\n" + "\n".join(rows) + "\n" + TASK.replace("\tfilm", " film")})
    assert set(PLAIN) <= set(texts(read))


def test_byte_order_mark_is_no_part_of_a_name_or_a_word(tmp_path):
    table = tmp_path / "datasets.tsv"
    table.write_bytes("\ufeffname\tsource\na\tfile\n".encode())
    assert read_tsv(table, required=("name",)) == [{"name": "a", "source": "file"}]
    vectors = tmp_path / "glove.txt"
    vectors.write_bytes("\ufeffthe 1 2 3\nof 1 2 3\n".encode())
    assert set(FileVectors.read(vectors, ["the", "of"]).table) == {"the", "of"}


@pytest.mark.parametrize("column", ["document", "participant"])
def test_empty_document_or_participant_is_refused(raw, column):
    rows = [{"document": "d", "participant": "a"}, {"document": "d", "participant": "b"}]
    rows[1][column] = " "
    table = GAZE + "".join(f"{row['document']},0,{n},Go,{row['participant']},1\n" for row in rows for n in (0, 1))
    with pytest.raises(UserError, match=rf"a.csv, row 4: {column} is empty"):
        raw.gaze("csv", {"a.csv": table})


def test_empty_sentence_of_means_is_refused(raw):
    with pytest.raises(UserError, match=r"words.csv, row 3: .*is empty"):
        raw.gaze("means", {"words.csv": MEANS + "0,0,Wolves,2,210,220,300,1\n,0,run.,0.5,60,60,70,0.25\n"})


def test_ids_that_are_one_number_in_two_spellings_are_refused(raw):
    files = {"a.csv": GAZE + "d,0,0,Go,1,1\nd,0,1,on,1,1\n", "b.csv": GAZE + "d,0,0,Go,1.0,1\nd,0,1,on,1.0,1\n"}
    with pytest.raises(UserError, match=r"b.csv, row 2: participant '1.0' is '1' elsewhere"):
        raw.gaze("csv", files)
    with pytest.raises(UserError, match=r"id '0.0' is '0' elsewhere"):
        raw.task("tsv", {"a.tsv": HEAD + TASK, "b.tsv": HEAD + TASK.replace("\tfilm", ".0\tfilm")})


@pytest.mark.parametrize("cell", [True, "#N/A", "#REF!"])
@pytest.mark.parametrize("column", [0, 4])
def test_what_a_spreadsheet_made_of_a_cell_is_no_name_and_no_word(raw, cell, column):
    rows = [list(row) for row in GECO_ROWS]
    rows[1][column] = cell
    with pytest.raises(UserError, match=r"L1.xlsx, sheet 'DATA', row 3"):
        raw.gaze("geco", {"L1.xlsx": workbook(rows)})


@pytest.mark.parametrize("word", ["#N/A", "#REF!", "#DIV/0!", "#NAME?"])
def test_error_of_a_spreadsheet_in_a_table_is_no_word(raw, word):
    with pytest.raises(UserError, match=r"a.csv, row 3: .*error of a spreadsheet"):
        raw.gaze("csv", {"a.csv": GAZE + f"d,0,0,Go,a,1\nd,0,1,{word},a,1\n"})


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("The ship is ____ .", "The ship is red ."),
        ("The ship is _.", "The ship is red."),
        ("The ship is _ and __", "The ship is red and red"),
        ("____ ships", "red ships"),
        ("What does max_length mean?", "What does max_length mean? red"),
        ("Why?", "Why? red"),
    ],
)
def test_gap_of_any_length_is_filled_once_and_a_name_is_no_gap(question, expected):
    assert stated(question, "red") == expected


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
@pytest.mark.parametrize("key", ["lr", "weight_decay"])
def test_setting_is_a_finite_number(key, value):
    with pytest.raises(UserError, match=rf"{key}: .*finite"):
        TrainSpec.parse({"max_steps": 1, "lr": 1e-3, key: value})
