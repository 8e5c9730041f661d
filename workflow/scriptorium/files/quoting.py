"""How a table writes its cells: where quotation marks are marks around a cell, and where they belong to its text.

A .csv quotes cells, with doubled marks inside, as RFC 4180 says. A .tsv or .txt does not (so do GLUE and most data sets
of linguists), unless every row with a quotation mark in it looks just as pandas and spreadsheets write it (ours).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from scriptorium.errors import UserError

Lines = Iterable[tuple[int, str]]


class _Kept(Iterator[str]):
    """Lines as the csv module wants them; those of the row that it has just read are kept as they stand."""

    def __init__(self, lines: Lines):
        self._lines, self._row = iter(lines), []

    def __next__(self) -> str:
        _, line = next(self._lines)
        self._row.append(line)
        return line.replace("\r", "\n") + "\n"

    def taken(self) -> list[str]:
        row, self._row = self._row, []
        return row


def check(lines: Lines, path: Path, separator: str) -> None:
    """Of a table that quotes its cells. Raises UserError, naming the row, for a mark that is not closed, or behind
    which a cell goes on: it would merge rows or lose the mark.
    """
    kept, row, width = _Kept(lines), 1, 0
    try:
        for cells in csv.reader(kept, delimiter=separator, strict=True):
            width, own = width or len(cells), kept.taken()
            if len(own) > 1 and width > 1 and all(line.count(separator) == width - 1 for line in own):
                raise csv.Error("each of its lines has as many cells as the header")
            if cells and len(cells) < width:
                raise short(path, row)
            row += 1
    except csv.Error as error:
        raise UserError(
            f"a quotation mark that opens a cell here is not closed where the cell ends ({error})",
            where=f"{path}, row {row}",
            remedy='a cell with quotation marks is written "so ""they"" say"; write a blank for a line break in a cell',
        ) from None


def short(path: Path, row: int) -> UserError:
    """The error for a row that ends before its last column; pandas would fill it up."""
    return UserError("fewer cells than columns", where=f"{path}, row {row}", remedy="give every row as many cells")


def is_quoted(lines: Lines) -> bool:
    """Whether a tab-separated table quotes cells: some row has a quotation mark, and every such row is what a program
    that quotes would write.
    """
    kept, found = _Kept(lines), False
    try:
        for cells in csv.reader(kept, delimiter="\t", strict=True):
            own = "\n".join(kept.taken())
            if '"' in own:
                if not any(_written(cells, style) == own for style in STYLES):
                    return False
                found = True
    except csv.Error:
        return False
    return found


def _needed(cell: str) -> bool:
    return re.search('["\t\r\n]', cell) is not None


def _not_a_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?", cell) is None


STYLES = (_needed, _not_a_number, lambda _: True)  # which cells are quoted: only where needed, all texts, all


def _written(cells: list[str], style: Callable[[str], bool]) -> str:
    return "\t".join('"' + cell.replace('"', '""') + '"' if style(cell) else cell for cell in cells)
