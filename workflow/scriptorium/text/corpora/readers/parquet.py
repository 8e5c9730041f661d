"""Parquet files, here or on the hub: a document per row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora import streams
from scriptorium.text.corpora.documents import Document, Row, of_rows

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import TableOptions
    from scriptorium.text.spec import StreamSpec

SUFFIXES = (".parquet",)
ROWS_PER_READ = 256


def read(artifact: Path, options: TableOptions, ledger: Ledger) -> Iterator[Document]:
    """The text of every row."""
    paths = members(artifact, *SUFFIXES)
    for path in paths:  # all of them before the long work starts
        _check_column(path, options.text)
    for path in paths:
        yield from of_rows(_rows(path, options.text), lines.stem(path, artifact, SUFFIXES), options.text, path)


def stream(source: StreamSpec, options: TableOptions) -> Iterator[Document]:
    """The same from files of the hub, of which no copy is kept."""
    rows = streams.rows(streams.addresses(source), "parquet", source.location, columns=[options.text])
    yield from of_rows(rows, "parquet", options.text, source.location)


def _rows(path: Path, key: str) -> Iterator[Row]:
    with pq.ParquetFile(path) as file:
        number = 0
        for batch in file.iter_batches(ROWS_PER_READ, columns=[key], use_threads=False):
            for text in batch[key].to_pylist():
                number += 1
                yield f"{path}, row {number}", {key: text}


def _check_column(path: Path, key: str) -> None:
    try:
        names = pq.read_schema(path).names
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"not a parquet file: {error}", where=path, remedy="get the file again") from None
    if key not in names:
        raise UserError(
            f"column {key!r} is missing, {nearest(key, names)}",
            where=path,
            remedy="name the text's column in the source's options: {text: ...}",
        )
