"""Tab-separated tables of two or more columns, also compressed: a word and its translation in a row.

Columns are named by languages in the first line, or given by number. A word with several translations has as many rows.
Further columns are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger
from scriptorium.text import columns
from scriptorium.text.dictionaries.entries import Entry

if TYPE_CHECKING:
    from scriptorium.text.dictionaries.spec import DictionarySource


def read(source: DictionarySource, artifact: Path, ledger: Ledger) -> Iterator[Entry]:
    """Every row. Raises UserError: no such column, a row with other than so many cells, an empty cell."""
    for row in columns.rows(source, artifact):
        if not (row.first.strip() and row.second.strip()):
            raise UserError("a word without its translation", where=row.place, remedy="complete or remove the row")
        yield Entry(row.place, row.first, row.second)
