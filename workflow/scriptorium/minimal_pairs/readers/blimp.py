"""BLiMP (Warstadt et al. 2020): a .jsonl file per paradigm as its authors give it, or the hub's parquet files.

Beside the files may stand published_accuracy.tsv with the columns UID, linguistics_term and a model each: the share of
pairs that published models get right; UID `overall` is the mean of a phenomenon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError, nearest
from scriptorium.files import json_lines, lines, parquet
from scriptorium.files.tables import clean, header, members, numbers, read_table
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.minimal_pairs.readers.spec import ReaderOptions

KEYS = {"good": "sentence_good", "bad": "sentence_bad", "phenomenon": "linguistics_term", "paradigm": "UID"}
SUFFIXES = lines.suffixes(".jsonl")
PUBLISHED = "published_accuracy.tsv"
OVERALL = "overall"
PUBLISHED_AS = {"s-selection": "argument_structure"}  # the files' name of a phenomenon -> the published table's


def read(artifact: Path, options: ReaderOptions, ledger: Ledger) -> pd.DataFrame:
    """Every pair. The phenomenon is one of 12, the paradigm one of 67. Raises UserError naming file and row."""
    made = []
    for path in sorted(members(artifact, *SUFFIXES, ".parquet")):
        found = False
        for place, row in _rows(path):
            pair = {column: _text(row, key, place) for column, key in KEYS.items()}
            number = str(row.get("pairID", row.get("pair_id", "")))  # the files' name for it, and the hub's
            if not re.fullmatch(r"\d{1,9}", number):
                raise UserError(f"pairID is {number!r}, not a number", where=place, remedy="fetch the file again")
            pair["phenomenon"] = PUBLISHED_AS.get(pair["phenomenon"], pair["phenomenon"])
            made.append({"id": f"{pair['paradigm']}-{int(number):04d}", **pair})
            found = True
        if not found:
            raise lines.empty(path)
    return pd.DataFrame(made)


def published(artifact: Path) -> pd.DataFrame | None:
    """The published accuracies, where the data set brings them: phenomenon, paradigm, and a column per model."""
    there = [artifact.parent / entry["path"] for entry in manifest.read(artifact)["files"]]
    path = next((path for path in there if path.name == PUBLISHED), None)
    if path is None:
        return None
    models = [name for name in header(path) if name not in ("UID", "linguistics_term")]
    raw = read_table(path, ("UID", "linguistics_term", *models))
    table = pd.DataFrame(
        {
            "phenomenon": raw["linguistics_term"].where(raw["linguistics_term"] != OVERALL, ""),
            "paradigm": raw["UID"].where(raw["UID"] != OVERALL, ""),
        }
    )
    return table.assign(**{name: numbers(raw, name, path, minimum=0) for name in models})


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if path.suffix == ".parquet":
        yield from parquet.rows(path)
    else:
        yield from json_lines.objects(lines.lines(path), path)


def _text(row: Mapping[str, Any], key: str, place: str) -> str:
    if key not in row:
        raise UserError(f"{key!r} is missing, {nearest(key, map(str, row))}", where=place, remedy="give BLiMP's files")
    text = row[key]
    if not isinstance(text, str) or not (text := clean(text)):
        raise UserError(f"{key} is {row[key]!r}, not a text", where=place, remedy="fetch or copy the file again")
    return text
