"""Proves that the tables of objectives and of readers in docs/ say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scriptorium import named
from scriptorium.models.spec import EncoderSpec
from scriptorium.named import modules_of
from scriptorium.objectives.objective import build, module_of
from scriptorium.objectives.spec import OBJECTIVES
from scriptorium.objectives.spec.base import HiddenTokensSpec
from scriptorium.text.corpora.readers.spec import READERS
from scriptorium.text.corpora.tatoeba_table import LANGUAGES
from scriptorium.text.tokenizers import fairseq_tokenizer
from tests import tiny

ROOT = Path(__file__).parents[2]
SHAPE = EncoderSpec(hidden_size=16, layers=1, heads=2, intermediate_size=16, max_positions=32)


def table(page: str, first: str) -> dict[str, dict[str, str]]:
    """Rows of the table whose first column is `first`: {first cell without backticks: {column: cell}}."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[start : lines.index("", start)]
    ]
    return {row[0].strip("`"): dict(zip(header, row, strict=True)) for row in rows}


def words(cell: str) -> list[str]:
    return re.findall("`(.+?)`", cell)


def test_every_objective_stands_in_the_docs_in_the_order_of_the_code():
    assert list(table("docs/objectives.md", "objective")) == list(OBJECTIVES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_docs_say_of_an_objective_what_its_module_says(name):
    row, spec = table("docs/objectives.md", "objective")[name], OBJECTIVES[name]()
    (module,) = modules_of(spec)
    assert f"scriptorium/{words(row['module'])[0]}" == module.replace(".", "/") + ".py"
    assert module_of(spec).__name__ == module
    model = build(SHAPE, spec, tiny.generative(fairseq_tokenizer(tiny.tokenizer()))).model.plain()
    assert words(row["encoder"]) == [module_of(spec).SAVED.model_type] == [model.config.model_type]
    assert words(row["saved as"]) == [type(model).__name__]
    assert words(row["layouts of blocks"]) == list(spec.layouts)
    own = [key for key in type(spec).model_fields if key not in HiddenTokensSpec.model_fields]
    assert words(row["own settings"]) == own


def test_the_docs_say_of_every_reader_what_its_options_are_and_whether_it_streams():
    rows = table("docs/pretraining.md", "reader")
    assert list(rows) == list(READERS)
    for name, options in READERS.items():
        told = [word for word in words(rows[name]["options"]) if word in options.model_fields]
        assert list(dict.fromkeys(told)) == list(options.model_fields), name
        assert rows[name]["streams"] == ("yes" if options.can_stream else "no")


def test_a_reader_that_can_stream_has_the_function_and_another_has_not():
    for name, options in READERS.items():
        module = named.load("scriptorium.text.corpora.readers", name)
        assert hasattr(module, "stream") == options.can_stream, name
        assert callable(module.read)


def test_the_languages_of_tatoeba_are_those_of_its_table():
    field = READERS["tatoeba_sentences"].model_fields["language"]
    assert field.annotation.__args__ == tuple(LANGUAGES)
