"""Proves the table of gaze corpora: counts, doubles, and empty cells for what a source cannot tell."""

from __future__ import annotations

import csv
import json

import pytest

from scriptorium.stage import execute
from scriptorium.stages import prepare_gaze, tabulate_corpora
from tests.raw import Raw

ROW = "document,sentence,word_index,word,participant,n_fix,ffd\n"


def rows(document: str, text: str, participants: str, count: int) -> str:
    return "".join(
        f"{document},0,{i},{w},{r},{count},{200 if count else 0}\n"
        for r in participants
        for i, w in enumerate(text.split())
    )


@pytest.fixture
def table(tmp_path):
    raw, root = Raw(tmp_path), tmp_path / "corpora"
    sources = {
        "lab": (
            "csv",
            {
                "a.csv": ROW
                + rows("d1", "Old wolves run at night.", "ab", 2)
                + rows("d2", "old Wolves run; at night", "ab", 1)
                + rows("d3", "They hide.", "a", 0)
            },
        ),
        "test": ("text", {"a.txt": "They hide!\nNobody else is here.\n"}),
    }
    for name, (reader, files) in sources.items():
        spec = prepare_gaze.GazeCorpusSpec(corpus=name, reader=reader, halves=3)
        execute(
            "prepare_gaze",
            spec,
            prepare_gaze.run,
            out=root / name,
            state=tmp_path / ".state",
            inputs={"raw": [raw.add(files, name)]},
            outputs={"words": root / f"{name}.parquet"},
        )
    execute(
        "tabulate_corpora",
        tabulate_corpora.TabulateCorporaSpec(),
        tabulate_corpora.run,
        out=tmp_path / "out",
        inputs={"words": [tmp_path / f"corpora/{name}/manifest.json" for name in sources]},
        outputs={"table": tmp_path / "table.tsv"},
        state=tmp_path / ".state",
    )
    with (tmp_path / "table.tsv").open() as handle:
        return tmp_path, {row["corpus"]: row for row in csv.DictReader(handle, delimiter="\t")}


def test_sizes_levels_and_doubles_are_counted(table):
    _, found = table
    lab = found["lab"]
    assert [lab[name] for name in ("words", "sentences", "documents", "participants")] == ["12", "3", "3", "2"]
    # ten words of two participants with 2 and 1 fixations, two of one participant with none
    assert float(lab["mean_n_fix"]) == pytest.approx(15 / 12)
    assert float(lab["share_never_fixated"]) == pytest.approx(2 / 12, abs=1e-4)
    assert float(lab["mean_ffd"]) == 200
    assert (lab["repeated"], lab["shared"]) == ("1", "1")
    assert (lab["repeat_sentences"], float(lab["repeat_mae"])) == ("1", 1.0)
    assert float(lab["split_half_r"]) == pytest.approx(1)


def test_what_a_source_cannot_tell_is_empty_not_zero(table):
    _, found = table
    text = found["test"]
    assert (text["words"], text["sentences"], text["shared"]) == ("6", "2", "1")
    assert [
        text[name]
        for name in (
            "participants",
            "mean_n_fix",
            "share_never_fixated",
            "mean_ffd",
            "split_half_r",
            "repeat_sentences",
        )
    ] == [""] * 6


def test_the_journal_counts_doubles_by_pair_of_corpora(table):
    root, _ = table
    events = [json.loads(line) for line in (root / "out/events.jsonl").read_text().splitlines()]
    logged = {name: value for event in events for name, value in event.get("metrics", {}).items()}
    assert logged["duplicates/lab/lab"] == 1 and logged["duplicates/lab/test"] == 1
    assert logged["lab/words"] == 12 and "test/mean_n_fix" not in logged
