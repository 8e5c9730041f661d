"""Tab-separated tables, also compressed: a column per language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource

SUFFIXES = lines.suffixes(".tsv", ".txt")


def read(source: ParallelSource, artifact: Path, ledger: Ledger) -> Iterator[Pair]:
    """Every row. Raises UserError: no such column, or a row with other than so many cells."""
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
            yield Pair(f"{name}-{number:08d}", where, *(cells[column] for column in columns))


def _columns(path: Path, source: ParallelSource) -> tuple[int, list[int]]:
    """How many cells a row has, and which two are read, counted from 0."""
    _, line = next(lines.lines(path))
    head = line.split("\t")
    names = head if source.options.header else []
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
