"""Tab-separated tables with a column per language, also compressed: of translations of texts or of words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines
from scriptorium.files.tables import members, one_column_each

SUFFIXES = lines.suffixes(".tsv", ".txt")


class ColumnsSource(Protocol):
    """A source whose options say which columns are read: header, a, b."""

    languages: tuple[str, str]
    options: object


class Row(NamedTuple):
    """Two cells of a row, in the order of the source's `languages`. name: of the file and the row."""

    name: str
    place: str
    first: str
    second: str


def rows(source: ColumnsSource, artifact: Path) -> Iterator[Row]:
    """Every row that is not blank. Raises UserError: no such column, or a row with other than so many cells."""
    paths = members(artifact, *SUFFIXES)
    lines.check_heads(paths)
    for path in paths:  # all of them before the first is read
        _columns(path, source)
    for path in paths:
        width, columns = _columns(path, source)
        name = lines.stem(path, artifact, SUFFIXES)
        for number, line in lines.lines(path):
            if (number == 1 and source.options.header) or not line.strip():
                continue
            where, cells = f"{path}, row {number}", line.split("\t")
            if len(cells) != width:
                raise UserError(f"{len(cells)} cells instead of {width}", where=where, remedy="mend or remove the row")
            yield Row(f"{name}-{number:08d}", where, *(cells[column] for column in columns))


def _columns(path: Path, source: ColumnsSource) -> tuple[int, list[int]]:
    """How many cells a row has, and which two are read, counted from 0."""
    _, line = next(lines.lines(path))
    head = line.split("\t")
    names = head if source.options.header else []
    one_column_each(names, f"{path}, row 1")
    found = []
    for code, given in zip(source.languages, (source.options.a, source.options.b), strict=True):
        wanted = given or code
        if wanted in names:
            found.append(names.index(wanted))
        elif wanted.isdecimal() and 1 <= int(wanted) <= len(head):
            found.append(int(wanted) - 1)
        else:
            hint = nearest(wanted, names) if names else f"it has columns 1 to {len(head)}"
            raise UserError(
                f"no column {wanted!r}, {hint}",
                where=f"{path}, row 1",
                remedy="name the columns in the source's options: {a: ..., b: ...}, or {header: false, a: '1', b: '2'}",
            )
    return len(head), found
