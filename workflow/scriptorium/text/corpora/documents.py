"""Documents of running text, as every reader yields them, and what several readers share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines

Document = tuple[str, list[str]]  # its name within its source, and its paragraphs
Row = tuple[str, Mapping[str, Any]]  # where it stands, and its cells


def lines_of(path: Path) -> Iterator[str]:
    """The lines of a text file, also where they end in another way than by a line feed."""
    for _, line in lines.lines(path):
        yield from line.splitlines() or [""]


def of_rows(rows: Iterator[Row], name: str, key: str, path: Path | str, first: int = 0) -> Iterator[Document]:
    """A document per row: the lines of its text are its paragraphs. Rows without text are left out.

    first: how many rows of the file are before these.
    """
    found = first > 0
    for number, (place, row) in enumerate(rows, start=first):
        if key not in row:
            raise UserError(
                f"{key!r} is missing, {nearest(key, map(str, row))}",
                where=place,
                remedy="name the text's key in the source's options: {text: ...}",
            )
        text = row[key]
        if text is not None and not isinstance(text, str):
            raise UserError(
                f"{key!r} is {type(text).__name__}, not text",
                where=place,
                remedy="name another key in the source's options: {text: ...}",
            )
        found = True
        if text and text.strip():
            yield f"{name}-{number:07d}", text.splitlines()
    if not found:
        raise UserError("the file has no rows", where=path, remedy="put text into it, or leave it out")
