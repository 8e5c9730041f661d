"""Tatoeba: single sentences of one language in the source's order, 64 to a document (ours), so that a split by document
makes sense."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.documents import Document
from scriptorium.text.corpora.tatoeba_table import LANGUAGES, read_rows

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import TatoebaOptions

SENTENCES_PER_DOCUMENT = 64  # the source's sentences have no order (ours)


def read(artifact: Path, options: TatoebaOptions, ledger: Ledger) -> Iterator[Document]:
    """Every sentence once."""
    column = LANGUAGES[options.language]
    (path,) = members(artifact, "SENTENCES")
    sentences = iter(dict.fromkeys(cells[column] for cells in read_rows(path) if cells[column]))
    number = 0
    while document := list(islice(sentences, SENTENCES_PER_DOCUMENT)):
        yield f"{options.language}-{number:05d}", document
        number += 1
