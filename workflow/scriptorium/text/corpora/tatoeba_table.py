"""Reads the table of Tatoeba sentences (columns without a header: id, jpn, eng, dut, ger, fre, spa, swe, audio)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scriptorium.errors import UserError
from scriptorium.files.tables import read_text

LANGUAGES = {"jpn": 1, "eng": 2, "dut": 3, "ger": 4, "fre": 5, "spa": 6, "swe": 7}  # code -> column
COLUMNS = 9


def read_rows(path: Path) -> Iterator[list[str]]:
    """The cells of each row; a cell without a sentence ('-') is empty. Raises UserError naming file and line."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line:
            cells = ["" if cell == "-" else cell for cell in line.split("\t")]
            if len(cells) != COLUMNS:
                raise UserError(
                    f"{len(cells)} columns instead of {COLUMNS}",
                    where=f"{path}, line {number}",
                    remedy="fetch the file again",
                )
            yield cells
