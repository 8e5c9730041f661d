"""Proves that GLUE is read as it is published, that its dev split stays whole, and that no split leaks into another."""

from __future__ import annotations

import gzip
import io
import itertools

import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.tasks.readers.glue import FORMATS
from tests.own_data import own
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def read(raw: Raw, task: str, files: dict, **settings) -> dict[str, pd.DataFrame]:
    """The task's splits, with labels as names and rows in the order of the ids' numbers."""
    labels = FORMATS[task].labels
    options = {"task": task, **settings.pop("options", {})}
    kind = "classification" if labels else "regression"
    made = raw.task("glue", files, **{"kind": kind, "labels": labels, "options": options, **settings})
    for name, frame in made.items():
        order = frame["id"].str.rpartition("-")[2].astype(int).sort_values().index
        made[name] = frame.loc[order].reset_index(drop=True)
        if labels:
            made[name]["label"] = made[name]["label"].map(list(labels).__getitem__)
    return made


def tsv(header: str | None, *rows: str) -> str:
    return "".join(f"{row}\n" for row in ([header] if header else []) + list(rows))


def filler(count: int, row: str) -> list[str]:
    """Rows for train, so that a tenth of them is a validation split."""
    return [row.format(n=n) for n in range(count)]


# --- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "header", "train", "dev", "text", "text_b", "label"),
    [
        (
            "cola",
            None,
            "gj04\t1\t\tIt {n} is.",
            'bc01\t0\t*\tThe "book was John.',
            'The "book was John.',
            None,
            "unacceptable",
        ),
        ("sst2", "sentence\tlabel", "good {n}\t1", "` ` bad ' ' \t0", "` ` bad ' '", None, "negative"),
        (
            "mrpc",
            "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String",
            "0\t1\t2\tone {n}\ttwo {n}",
            '1\t8\t9\tHe left.\t"He went away.',
            "He left.",
            '"He went away.',
            "equivalent",
        ),
        (
            "stsb",
            "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore",
            "{n}\tg\tf\t2012\t1\tn\tn\ta {n}\tb {n}\t1.5",
            "0\tg\tf\t2012\t1\tn\tn\tA man.\tA plane.\t4.750",
            "A man.",
            "A plane.",
            4.75,
        ),
        (
            "qqp",
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
            "{n}\t1\t2\ta {n}?\tb {n}?\t0",
            "9\t8\t7\tWhy?\tHow so?\t1",
            "Why?",
            "How so?",
            "duplicate",
        ),
        (
            "mnli",
            "index\tpromptID\tpairID\tgenre\tsentence1_parse\tsentence1\tsentence2\tlabel1\tgold_label",
            "{n}\t1\t1\tg\t(p)\ta {n}\tb {n}\tneutral\tneutral",
            "0\t1\t1\tg\t(p)\tIt is.\tIt is not.\tneutral\tcontradiction",
            "It is.",
            "It is not.",
            "contradiction",
        ),
        (
            "qnli",
            "index\tquestion\tsentence\tlabel",
            "{n}\ta {n}?\tb {n}.\tentailment",
            "0\tWho?\tIt rained.\tnot_entailment",
            "Who?",
            "It rained.",
            "not_entailment",
        ),
        (
            "rte",
            "index\tsentence1\tsentence2\tlabel",
            "{n}\ta {n}\tb {n}\tentailment",
            "0\tIt rains.\tThe sun shines.\tnot_entailment",
            "It rains.",
            "The sun shines.",
            "not_entailment",
        ),
        (
            "wnli",
            "index\tsentence1\tsentence2\tlabel",
            "{n}\ta {n}\tb {n}\t0",
            "0\tIt fell.\tThe cup fell.\t1",
            "It fell.",
            "The cup fell.",
            "entailment",
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_published_table_is_read_unquoted(raw, task, header, train, dev, text, text_b, label, packed):
    files = {"train.tsv": tsv(header, *filler(20, train)), "dev.tsv": tsv(header, dev), "test.tsv": "not\tread\n"}
    if packed:
        files = {f"{name}.gz": gzip.compress(content.encode()) for name, content in files.items()}
    made = read(raw, task, files)
    assert {name: len(frame) for name, frame in made.items()} == {"train": 18, "validation": 2, "test": 1}
    row = made["test"].iloc[0]
    assert (row["id"], row["text"], row["label"]) == ("dev-0", text, label)
    assert pd.isna(row["text_b"]) if text_b is None else row["text_b"] == text_b


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def hub(texts: tuple[str, ...], count: int, label: float, prefix: str = "") -> bytes:
    columns = {name: [f"{prefix}{name} {n}" for n in range(count)] for name in texts}
    return parquet(pd.DataFrame({**columns, "label": [label] * count, "idx": range(count)}))


@pytest.mark.parametrize(
    ("task", "texts", "number", "label"),
    [
        ("cola", ("sentence",), 1, "acceptable"),
        ("sst2", ("sentence",), 0, "negative"),
        ("mrpc", ("sentence1", "sentence2"), 1, "equivalent"),
        ("stsb", ("sentence1", "sentence2"), 3.25, 3.25),
        ("qqp", ("question1", "question2"), 1, "duplicate"),
        ("qnli", ("question", "sentence"), 1, "not_entailment"),
        ("rte", ("sentence1", "sentence2"), 0, "entailment"),
        ("wnli", ("sentence1", "sentence2"), 1, "entailment"),
    ],
)
def test_parquet_of_the_hub_is_read_and_its_unlabelled_test_is_not(raw, task, texts, number, label):
    files = {f"train-0000{n}-of-00002.parquet": hub(texts, 10, number, str(n)) for n in (0, 1)}
    files["validation-00000-of-00001.parquet"] = hub(texts, 4, number, "v ")
    files["test-00000-of-00001.parquet"] = hub(texts, 5, -1, "t ")
    made = read(raw, task, files)
    assert {name: len(frame) for name, frame in made.items()} == {"train": 18, "validation": 2, "test": 4}
    assert list(made["test"]["text"]) == [f"v {texts[0]} {n}" for n in range(4)]
    assert all(value == label for frame in made.values() for value in frame["label"])


@pytest.mark.parametrize("pattern", ["dev_{}.tsv", "validation_{}-00000-of-00001.parquet"])
def test_mnli_has_two_dev_parts_and_the_option_chooses(raw, pattern):
    def content(word: str) -> str | bytes:
        if pattern.endswith(".parquet"):
            return parquet(pd.DataFrame({"premise": [f"{word} a"], "hypothesis": ["b"], "label": [1], "idx": [0]}))
        return tsv("index\tsentence1\tsentence2\tgold_label", f"0\t{word} a\tb\tneutral")

    train = tsv("index\tsentence1\tsentence2\tgold_label", *filler(20, "{n}\tc {n}\td {n}\tneutral"))
    files = {"train.tsv": train} | {pattern.format(part): content(part) for part in ("matched", "mismatched")}
    for part in ("matched", "mismatched"):
        assert list(read(raw, "mnli", files, options={"part": part})["test"]["text"]) == [f"{part} a"]
    assert list(read(raw, "mnli", files)["test"]["text"]) == ["matched a"]
    del files[pattern.format("matched")]
    with pytest.raises(UserError, match=r"no dev \(or validation\) file of part matched among"):
        read(raw, "mnli", files)


# --- splits -------------------------------------------------------------------------------------------------------


def test_dev_stays_whole_though_it_repeats_texts_of_train_and_its_own(raw):
    dev = ["x\t1\t\tTwice here.", "x\t0\t\tTwice here.", "x\t1\t\tIn train too."]
    train = [*filler(20, "x\t1\t\tSentence {n}."), "x\t1\t\tIn train too.", "x\t1\t\tsentence 3."]
    made = read(raw, "cola", {"train.tsv": tsv(None, *train), "dev.tsv": tsv(None, *dev)})
    assert list(made["test"]["text"]) == ["Twice here.", "Twice here.", "In train too."]
    assert list(made["test"]["label"]) == ["acceptable", "unacceptable", "acceptable"]
    rest = [*made["train"]["text"], *made["validation"]["text"]]
    assert sorted(rest) == sorted(f"Sentence {n}." for n in range(20))
    assert any("2 of 25 examples left out" in note for note in raw.events("note"))


def test_validation_is_cut_from_train_without_sharing_a_text(raw):
    rows = [f"{n}\tpremise {n // 3}\thypothesis {n}\tneutral" for n in range(90)]
    header = "index\tsentence1\tsentence2\tlabel"
    files = {"train.tsv": tsv(header, *rows), "dev.tsv": tsv(header, "0\tp\th\tneutral")}
    made = read(raw, "mnli", files)
    assert {name: len(frame) for name, frame in made.items()} == {"train": 81, "validation": 9, "test": 1}
    assert not set(made["train"]["text"]) & set(made["validation"]["text"])
    assert any("9 of 90 train examples became it" in note for note in raw.events("note"))
    again = read(raw, "mnli", files, split_seed=1)
    assert set(again["validation"]["id"]) != set(made["validation"]["id"])
    fewer = read(raw, "mnli", files, limits={"validation": 6, "train": 30})
    assert (len(fewer["validation"]), len(fewer["train"]), len(fewer["test"])) == (6, 30, 1)


def test_validation_keeps_the_label_shares_of_train(raw):
    train = [f"x\t{int(n % 4 > 0)}\t\tSentence {n}." for n in range(400)]
    made = read(
        raw, "cola", {"train.tsv": tsv(None, *train), "dev.tsv": tsv(None, "x\t1\t\tGo.")}, validation_share=0.05
    )
    assert made["validation"]["label"].value_counts().to_dict() == {"acceptable": 15, "unacceptable": 5}


# --- faults -------------------------------------------------------------------------------------------------------

DEV = tsv(None, "x\t1\t\tGo.")


@pytest.mark.parametrize(
    ("task", "files", "part"),
    [
        ("cola", {"train.tsv": tsv(None, "x\t1\t\tYes.", "x\t1\tNo."), "dev.tsv": DEV}, r"train\.tsv, line 2: a row"),
        (
            "cola",
            {"train.tsv": tsv(None, "x\t1\t\tYes.", "x\t1\t\ta\tb"), "dev.tsv": DEV},
            r"train\.tsv, line 2: a row",
        ),
        (
            "cola",
            {"train.tsv": tsv(None, "x\t2\t\tYes."), "dev.tsv": DEV},
            r"train\.tsv, line 1: label '2' is not one of unacceptable, acceptable",
        ),
        ("cola", {"train.tsv": tsv(None, "x\t1\t\t "), "dev.tsv": DEV}, r"train\.tsv, line 1: a row without its text"),
        ("cola", {"train.tsv": tsv(None, "x\t1\t\tYes.")}, r"no dev \(or validation\) file of part matched among"),
        ("cola", {"dev.tsv": DEV}, "no train file among dev.tsv"),
        ("cola", {"train.tsv.gz": b"\x1f\x8b\x08\x00nothing", "dev.tsv": DEV}, r"train\.tsv\.gz: cannot be read"),
        ("cola", {"train.tsv": b"x\t1\t\tYes.\nx\t1\t\tna\xefve\n", "dev.tsv": DEV}, r"train\.tsv, line 2: not UTF-8"),
        (
            "cola",
            {"train.tsv.gz": gzip.compress(b"x\t1\t\tYes.\nx\t1\t\tna\xefve\n"), "dev.tsv": DEV},
            r"train\.tsv\.gz, line 2: not UTF-8",
        ),
        (
            "qnli",
            {"train.tsv": tsv("index\tquestion\tanswer\tlabel", "0\ta\tb\tentailment"), "dev.tsv": DEV},
            "no column question and sentence among index, question, answer, label",
        ),
        ("qnli", {"train.tsv": tsv("index\tquestion\tsentence", "0\ta\tb"), "dev.tsv": DEV}, "no column label among"),
        (
            "stsb",
            {"train.tsv": tsv("sentence1\tsentence2\tscore", "a\tb\tfour"), "dev.tsv": DEV},
            r"train\.tsv, line 2: label 'four' is not a number",
        ),
    ],
)
def test_faulty_files_are_refused_with_file_and_line(raw, task, files, part):
    with pytest.raises(UserError, match=part) as caught:
        read(raw, task, files)
    assert "remedy:" in str(caught.value)


def test_broken_rows_are_left_out_and_counted_if_asked_for(raw):
    train = [*filler(20, "x\t1\t\tSentence {n}."), "x\t1", "x\t1\t\t"]
    made = read(raw, "cola", {"train.tsv": tsv(None, *train), "dev.tsv": DEV}, options={"skip_broken": True})
    assert len(made["train"]) + len(made["validation"]) == 20
    assert any("2 broken rows left out, the first: " in n and "train.tsv, line 21" in n for n in raw.events("note"))


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"options": {"task": "colla"}}, "options.task: unknown value 'colla', did you mean 'cola'"),
        ({"options": {"task": "cola", "part": "both"}}, "options.part: unknown value 'both'"),
        (
            {"options": {"task": "cola"}, "labels": ("acceptable", "unacceptable")},
            r"has the labels unacceptable, acceptable, not acceptable, unacceptable",
        ),
        ({"options": {"task": "cola"}, "kind": "regression", "labels": ()}, "gives classes, kind: classification"),
        ({"options": {"task": "stsb"}}, "gives numbers, kind: regression, not classification"),
    ],
)
def test_task_that_is_not_glues_is_refused(raw, settings, part):
    with pytest.raises(UserError, match=part):
        raw.task("glue", {"train.tsv": DEV, "dev.tsv": DEV}, **settings)


# --- real data ----------------------------------------------------------------------------------------------------

COUNTS = {  # of the files; train loses texts that are there twice or that dev holds
    "cola": ("CoLA", 8551, 1043),
    "sst2": ("SST-2", 67349, 872),
    "mrpc": ("MRPC", 3668, 408),
    "stsb": ("STS-B", 5749, 1500),
    "qnli": ("QNLI", 9999, 5463),
    "qqp": ("QQP", 8999, 1000),
    "mnli": ("MNLI", 8999, 1000),
    "wnli": ("WNLI", 635, 71),
}


@pytest.mark.parametrize("task", COUNTS)
def test_counts_of_real_glue_are_the_published_ones(raw, task):
    folder, train, dev = COUNTS[task]
    made = read(raw, task, {path.name: path.read_bytes() for path in own(f"glue/{folder}").iterdir()})
    notes = [note for note in raw.events("note") if "left out" in note]
    dropped = int(notes[0].split(" of ")[0]) if notes else 0
    assert len(made["test"]) == dev
    assert len(made["train"]) + len(made["validation"]) + dropped == train
    assert dropped <= 0.01 * train
    ids = pd.concat(list(made.values()))["id"]
    assert not ids.duplicated().any()
    pairs = [
        set(zip(f["text"].str.casefold(), f["text_b"].fillna("").str.casefold(), strict=True)) for f in made.values()
    ]
    assert not any(a & b for a, b in itertools.combinations(pairs, 2))
