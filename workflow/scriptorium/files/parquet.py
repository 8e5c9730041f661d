"""Parquet files of others: a damaged one, or one whose texts are not UTF-8, is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.files.damage import reading

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_PER_READ = 64
KIND = "parquet"


def schema(path: Path) -> pa.Schema:
    """Names and types of the columns. Raises UserError."""
    import pyarrow.parquet as pq

    with reading(path, KIND):
        return pq.read_schema(path)


def rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place for errors, row) of all rows, which count from 1; a batch is in memory at a time. Raises UserError."""
    import pyarrow.parquet as pq

    number = 0
    with reading(path, KIND), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_PER_READ, columns=columns, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield f"{path}, row {number}", row
