"""Proves that docs/gaze.md lists the readers of gaze corpora and their options as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import yaml

from scriptorium.config.loading import load
from scriptorium.files.tables import read_table
from scriptorium.gaze.readers.spec import OPTIONS, GazeReader
from scriptorium.runs import Runs

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/gaze.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table below a heading line: first cell, without its marks -> the other cells."""
    lines = DOCS[DOCS.index(heading) :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {first.strip("` "): rest for first, *rest in cells}


def test_the_table_of_readers_has_every_reader_with_all_options_and_their_defaults():
    documented = {
        reader: yaml.safe_load("\n".join(re.findall("`([^`]+: [^`]+)`", cells[-1]))) or {}
        for reader, cells in rows("| reader | reads |").items()
    }
    assert documented == {reader: options().model_dump() for reader, options in OPTIONS.items()}
    assert tuple(documented) == get_args(GazeReader)


def test_the_table_of_options_has_every_option_with_all_words_that_it_may_be():
    fields = {name: field for options in OPTIONS.values() for name, field in options.model_fields.items()}
    documented = rows("| option | values |")
    assert set(documented) == set(fields)
    for name, field in fields.items():
        if get_origin(field.annotation) is Literal:
            allowed = {word for word in get_args(field.annotation) if word}
            assert set(re.findall("`([^`]+)`", documented[name][0])) == allowed, name


def test_every_reader_is_a_module_and_every_module_a_reader():
    modules = {path.stem for path in (ROOT / "workflow/scriptorium/gaze/readers").glob("*.py")}
    assert modules == {*OPTIONS, "__init__", "spec"}


def test_a_table_with_the_documented_columns_is_read(tmp_path):
    from tests.raw import Raw

    columns = [name for cell in rows("| column | meaning |") for name in re.findall(r"\w+", cell)]
    example = {"document": "p1", "sentence": "0", "word_index": "0", "word": "Go.", "participant": "ann", "n_fix": "1"}
    text = ",".join(columns) + "\n" + ",".join(example.get(name, "200") for name in columns) + "\n"
    (tmp_path / "lab.csv").write_text(text)
    read_table(tmp_path / "lab.csv", tuple(columns))
    words = Raw(tmp_path).gaze("csv", {"lab.csv": text})
    assert words[["n_fix", "ffd", "trt"]].to_numpy().tolist() == [[1, 200, 200]]


def test_the_documented_corpora_left_out_are_a_configuration_over_the_default_one():
    block = DOCS[DOCS.index("## How good it is on a corpus not seen") :].split("```yaml\n")[1].split("```")[0]
    given = yaml.safe_load(block)["gaze"]
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    values["gaze"]["corpora"] |= given["corpora"]
    values["gaze"]["left_out"] = given["left_out"]
    languages = Runs(load(values, ROOT)).gaze_left_out().languages
    assert languages == {"onestop": "en", "zuco": "en", "geco-nl": "nl", "potec": "de", "rsc": "ru"}
