"""Parquet files, here or on the hub: a document per row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines, parquet
from scriptorium.files.tables import members, one_column_each
from scriptorium.ledger import Ledger
from scriptorium.text.corpora import streams
from scriptorium.text.corpora.documents import Document, of_rows

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import TableOptions
    from scriptorium.text.spec import StreamSpec

SUFFIXES = (".parquet",)


def read(artifact: Path, options: TableOptions, ledger: Ledger) -> Iterator[Document]:
    """The text of every row."""
    paths = members(artifact, *SUFFIXES)
    for path in paths:  # all of them before the long work starts
        _check_column(path, options.text)
    for path in paths:
        yield from of_rows(parquet.rows(path, [options.text]), lines.stem(path, artifact, SUFFIXES), options.text, path)


def stream(source: StreamSpec, options: TableOptions, bookmark: streams.Bookmark) -> Iterator[Document]:
    """The same from files of the hub, of which no copy is kept, from the bookmark on."""
    first = bookmark.rows
    rows = streams.rows(streams.addresses(source), "parquet", source.location, bookmark, columns=[options.text])
    yield from of_rows(rows, "parquet", options.text, source.location, first)


def _check_column(path: Path, key: str) -> None:
    names = parquet.schema(path).names
    one_column_each(names, path)
    if key not in names:
        raise UserError(
            f"column {key!r} is missing, {nearest(key, names)}",
            where=path,
            remedy="name the text's column in the source's options: {text: ...}",
        )
