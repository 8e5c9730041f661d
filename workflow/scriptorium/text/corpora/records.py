"""Readers of tables with a text per row: JSON lines and parquet, the hub's formats; here, or streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from scriptorium.errors import UserError, nearest
from scriptorium.files import json_lines
from scriptorium.files import lines as files
from scriptorium.files.tables import members, settle
from scriptorium.ledger import Ledger
from scriptorium.text.corpora import streams
from scriptorium.text.corpora.plain import Document

if TYPE_CHECKING:
    from scriptorium.text.spec import StreamSpec

JSONL = files.suffixes(".jsonl", ".json")
ROWS_PER_READ = 256

Row = tuple[str, Mapping[str, Any]]  # where it stands, and its cells


def read_jsonl(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """JSON lines (.jsonl or .json, also compressed): a document per line. options: text = its key ("text")."""
    key = settle(options, "config/config.yaml, corpora, options of reader jsonl", text="text")["text"]
    paths = members(artifact, *JSONL)
    files.check_heads(paths)
    for path in paths:
        yield from _documents(json_lines.objects(files.lines(path), path), files.stem(path, artifact, JSONL), key, path)


def read_parquet(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """Parquet files: a document per row. options: text = its column ("text")."""
    key = settle(options, "config/config.yaml, corpora, options of reader parquet", text="text")["text"]
    paths = members(artifact, ".parquet")
    for path in paths:  # all of them before the long work starts
        _check_column(path, key)
    for path in paths:
        yield from _documents(_parquet_rows(path, key), files.stem(path, artifact, (".parquet",)), key, path)


def read_streamed(source: StreamSpec, reader: str, options: Mapping[str, Any]) -> Iterator[Document]:
    """Rows of a hub data set, read without a copy. options: as of the reader, jsonl or parquet."""
    key = settle(options, f"config/config.yaml, corpora, options of reader {reader}", text="text")["text"]
    files = streams.addresses(source)
    yield from _documents(streams.rows(files, reader, key, source.location), reader, key, source.location)


def _documents(rows: Iterator[Row], name: str, key: str, path: Path | str) -> Iterator[Document]:
    """A document per row: the lines of its text are its paragraphs. Rows without text are left out."""
    found = False
    for number, (place, row) in enumerate(rows):
        if key not in row:
            raise UserError(
                f"{key!r} is missing, {nearest(key, map(str, row))}",
                where=place,
                remedy="name the text's key in the source's options: {text: ...}",
            )
        text = row[key]
        if text is not None and not isinstance(text, str):
            raise UserError(
                f"{key!r} is {type(text).__name__}, not text",
                where=place,
                remedy="name another key in the source's options: {text: ...}",
            )
        found = True
        if text and text.strip():
            yield f"{name}-{number:07d}", text.splitlines()
    if not found:
        raise UserError("the file has no rows", where=path, remedy="put text into it, or leave it out")


def _parquet_rows(path: Path, key: str) -> Iterator[Row]:
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
