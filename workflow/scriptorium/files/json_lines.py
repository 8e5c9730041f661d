"""Lines of JSON: an object per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scriptorium.errors import UserError
from scriptorium.files import json_text


def objects(lines: Iterable[tuple[int, str]], path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place for errors, object) of every numbered line of `path` that is not blank. Raises UserError."""
    for number, line in lines:
        if not line.strip():
            continue
        where, remedy = f"{path}, line {number}", "give one JSON object per line"
        entry = json_text.parse(line, where, one_line=True, remedy=remedy)
        if not isinstance(entry, dict):
            raise UserError(f"{type(entry).__name__} instead of an object", where=where, remedy=remedy)
        yield where, entry
