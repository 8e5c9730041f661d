"""Lines of JSON (.jsonl or .json, also compressed), an example per line: summaries, answers that are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files import json_lines, lines
from scriptorium.files.tables import clean, members
from scriptorium.generation.frame import FIELDS
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import splits_of_files

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerationDataSpec

SUFFIXES = lines.suffixes(".jsonl", ".json")


def read(spec: GenerationDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Every object. Files belong to the split that a part of their name says (tasks/raw_files.py); without any, all is
    split here. A key `id` is taken over where there is one.

    Raises UserError, with file and line: no JSON, a key that is missing, what is no text, an empty text.
    """
    options, rows = spec.options, []
    for split, path in splits_of_files(members(artifact, *SUFFIXES), artifact):
        lines.check_heads([path])
        name = lines.stem(path, artifact, SUFFIXES)
        for number, (place, row) in enumerate(json_lines.objects(lines.lines(path), path), start=1):
            source = " ".join(_text(row, key, place) for key in options.source)
            target = _text(row, options.target, place)
            apart = _text(row, options.apart, place) if options.apart else source
            own = str(row["id"]) if row.get("id") is not None else f"{name}-{number:07d}"
            rows.append((own, source, target, split, apart, (apart,)))
    if not rows:
        raise UserError("no line holds an example", where=artifact, remedy="put objects into the files, one a line")
    return pd.DataFrame(rows, columns=FIELDS)


def _text(row: Mapping[str, Any], key: str, place: str) -> str:
    if key not in row:
        raise UserError(
            f"{key!r} is missing, {nearest(key, map(str, row))}",
            where=place,
            remedy="name the keys in the task's options: {source: [article], target: summary}",
        )
    if not isinstance(row[key], str):
        raise UserError(
            f"{key!r} is {type(row[key]).__name__}, not text",
            where=place,
            remedy="give one text, or name another key in the task's options",
        )
    text = clean(row[key])
    if not text:
        raise UserError(f"{key!r} is empty", where=place, remedy="fill it, or leave the line out")
    return text
