"""Tab-separated tables, also compressed: a column per language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.ledger import Ledger
from scriptorium.text import columns
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource


def read(source: ParallelSource, artifact: Path, ledger: Ledger) -> Iterator[Pair]:
    """Every row. Raises UserError: no such column, or a row with other than so many cells."""
    for row in columns.rows(source, artifact):
        yield Pair(*row)
