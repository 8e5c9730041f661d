"""Parquet files, here or on the hub: a pair per row, as a column `translation` of texts by language, or two columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines, parquet
from scriptorium.files.tables import members, one_column_each
from scriptorium.ledger import Ledger
from scriptorium.text.corpora import streams
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource
    from scriptorium.text.spec import StreamSpec

SUFFIXES = (".parquet",)


def read(source: ParallelSource, artifact: Path, ledger: Ledger) -> Iterator[Pair]:
    """Every row."""
    paths = members(artifact, *SUFFIXES)
    for path in paths:  # all of them before the long work starts
        _check_columns(path, source)
    for path in paths:
        yield from _pairs(parquet.rows(path, _columns(source)), source, lines.stem(path, artifact, SUFFIXES))


def stream(source: ParallelSource, place: StreamSpec, bookmark: streams.Bookmark) -> Iterator[Pair]:
    """The same from files of the hub, of which no copy is kept, from the bookmark on."""
    first = bookmark.rows
    rows = streams.rows(streams.addresses(place), "parquet", place.location, bookmark, columns=_columns(source))
    yield from _pairs(rows, source, "parquet", first)


def _columns(source: ParallelSource) -> list[str]:
    options = source.options
    return [options.a, options.b] if options.a else [options.translation]


def _pairs(
    rows: Iterator[tuple[str, Mapping[str, Any]]], source: ParallelSource, name: str, first: int = 0
) -> Iterator[Pair]:
    options = source.options
    keys = (options.a, options.b) if options.a else source.languages
    for number, (place, row) in enumerate(rows, start=first):
        texts = row if options.a else row[options.translation]
        sides = []
        for key in keys:
            if not isinstance(texts, Mapping) or key not in texts:
                has = texts if isinstance(texts, Mapping) else {}
                raise UserError(
                    f"no text of {key!r}, {nearest(key, map(str, has))}", where=place, remedy="correct `languages`"
                )
            if texts[key] is not None and not isinstance(texts[key], str):
                raise UserError(
                    f"{key!r} is {type(texts[key]).__name__}, not text", where=place, remedy="name another column"
                )
            sides.append(texts[key] or "")
        yield Pair(f"{name}-{number:08d}", place, *sides)


def _check_columns(path: Path, source: ParallelSource) -> None:
    """Columns, and the languages of a column of both."""
    schema = parquet.schema(path)
    one_column_each(schema.names, path)
    for name in _columns(source):
        if name not in schema.names:
            raise UserError(
                f"column {name!r} is missing, {nearest(name, schema.names)}",
                where=path,
                remedy="name the columns in the source's options: {translation: ...}, or {a: ..., b: ...}",
            )
    if not source.options.a:
        kind = schema.field(source.options.translation).type
        inside = [kind.field(number).name for number in range(kind.num_fields)] if pa.types.is_struct(kind) else []
        for code in source.languages:
            if code not in inside:
                raise UserError(
                    f"column {source.options.translation!r} has no language {code!r}, {nearest(code, inside)}",
                    where=path,
                    remedy="correct `languages` of this source",
                )
