"""JSON lines (.jsonl or .json, also compressed), here or on the hub: a document per line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.files import json_lines, lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora import streams
from scriptorium.text.corpora.documents import Document, of_rows

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import TableOptions
    from scriptorium.text.spec import StreamSpec

SUFFIXES = lines.suffixes(".jsonl", ".json")


def read(artifact: Path, options: TableOptions, ledger: Ledger) -> Iterator[Document]:
    """The text of every object."""
    paths = members(artifact, *SUFFIXES)
    lines.check_heads(paths)
    for path in paths:
        rows = json_lines.objects(lines.lines(path), path)
        yield from of_rows(rows, lines.stem(path, artifact, SUFFIXES), options.text, path)


def stream(source: StreamSpec, options: TableOptions, bookmark: streams.Bookmark) -> Iterator[Document]:
    """The same from files of the hub, of which no copy is kept, from the bookmark on."""
    first = bookmark.rows
    rows = streams.rows(streams.addresses(source), "json", source.location, bookmark)
    yield from of_rows(rows, "jsonl", options.text, source.location, first)
