"""docs/tasks.md names every kind of task and every reader, with the metrics and options that they have."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.readers.spec import OPTIONS, GlueOptions
from scriptorium.tasks.spec import Kind

KINDS = get_args(get_args(Kind)[0])
PAGE = Path(__file__).parents[2] / "docs/tasks.md"


def rows(first: str) -> dict[str, list[str]]:
    """The first table whose first column has this title: name -> the other cells of its row."""
    table = PAGE.read_text(encoding="utf-8").split(f"| {first} |", 1)[1].split("\n\n", 1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {own[0].strip("`"): own[1:] for own in cells}


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def kinds_given(reader: str) -> set[str]:
    options = OPTIONS[reader]
    if options is GlueOptions:
        return {
            kind
            for task in get_args(GlueOptions.model_fields["task"].annotation)
            for kind in GlueOptions(task=task).kinds()
        }
    return set(options.gives)


def test_the_table_of_kinds_is_that_of_the_code():
    assert list(rows("kind")) == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_metrics_of_a_kind_are_those_of_the_code_and_the_default_is_first(name):
    *_, readers, metrics = rows("kind")[name]
    kind = kind_of(name)
    assert {f"test/{metric}" for metric in named(metrics)} == {
        *kind.shown([]),
        *(kind.shown(["<label>"]) if kind.metric_per_label else ()),
    }
    assert named(metrics)[0] == kind.default_metric
    assert set(named(readers)) == {reader for reader in OPTIONS if name in kinds_given(reader)}


def test_the_table_of_readers_is_that_of_the_code_with_every_option():
    found = rows("reader")
    assert set(found) == set(OPTIONS)
    for name, options in OPTIONS.items():
        told = [word for word in named(found[name][1]) if word not in KINDS]
        assert told == list(options.model_fields), name


def test_every_kind_that_a_reader_gives_is_one():
    assert set().union(*map(kinds_given, OPTIONS)) == set(KINDS)


def test_a_kind_is_light_enough_for_the_dag():
    heavy = ("torch", "transformers", "pandas", "numpy")
    code = (
        f"import sys; from scriptorium.tasks.kind import kind_of; [kind_of(k) for k in {KINDS!r}];"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
