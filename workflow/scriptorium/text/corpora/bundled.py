"""Readers of the two collections that the default corpus is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from scriptorium.errors import UserError
from scriptorium.files.tables import choose, members, read_text, settle
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.plain import Document
from scriptorium.text.corpora.tatoeba_table import LANGUAGES, read_rows

SENTENCES_PER_DOCUMENT = 64  # of Tatoeba, whose sentences have no order (ours)


def read_bbc(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """News articles, one file each (Greene and Cunningham 2006). A file that is not UTF-8 is read as Windows-1252."""
    settle(options, "config/config.yaml, corpora, options of reader bbc")
    for path in members(artifact, ".txt"):
        name = path.relative_to(artifact.parent).as_posix()
        try:
            text = read_text(path)
        except UserError:
            try:
                text = path.read_bytes().decode("cp1252")
            except UnicodeDecodeError:
                raise UserError("neither UTF-8 nor Windows-1252", where=path, remedy="fetch it again") from None
            ledger.note(f"{name} is not UTF-8: read as Windows-1252")
        yield name.removesuffix(".txt"), text.splitlines()


def read_tatoeba_sentences(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """Single sentences of one language in the source's order, 64 to a document (ours), so that a split by document
    makes sense. options: language = eng | dut | ger | fre | spa | swe | jpn."""
    where = "config/config.yaml, corpora, options of reader tatoeba_sentences"
    language = settle(options, where, language="eng")["language"]
    column = choose(language, LANGUAGES, "language", where)
    (path,) = members(artifact, "SENTENCES")
    sentences = iter(dict.fromkeys(cells[column] for cells in read_rows(path) if cells[column]))
    number = 0
    while document := list(islice(sentences, SENTENCES_PER_DOCUMENT)):
        yield f"{language}-{number:05d}", document
        number += 1
