"""Rows of long readings, kept part by part while a job works: a job that was stopped or killed goes on behind them.

A part is a parquet file in the job's state, written whole or not at all; then the store of digests (digest_store.py)
keeps what belongs to it, at once with how far the reading has come. What a killed job had written of the next part is
written again.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from scriptorium.chunks import stop_if_asked
from scriptorium.text import reading_place
from scriptorium.text.digest_store import DigestStore

if TYPE_CHECKING:
    from scriptorium.job import Job

Row = tuple[str, ...]
Store = TypeVar("Store", bound=DigestStore)

CHARACTERS_PER_PART = 1 << 24  # of the last column; a few seconds of one core
ROWS_PER_GROUP, CHARACTERS_PER_GROUP = 1 << 16, 1 << 22  # of a parquet file: what stands in memory at once
ROWS_PER_READ = 64


def opened(folder: Path, kind: Callable[[Path], Store]) -> Store:
    """The store of a folder of parts; made anew, with the folder, where an unclean end of the machine damaged it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        store = kind(folder / "seen.sqlite")
    except sqlite3.OperationalError:  # a full disk, no permission: what is kept is sound
        raise
    except sqlite3.DatabaseError:
        shutil.rmtree(folder)
        folder.mkdir(parents=True)
        store = kind(folder / "seen.sqlite")
    store.progress = store.progress or {**reading_place.NOTHING, "parts": 0, "done": False, "counted": {}}
    return store


class KeptRows:
    """The rows that a job has read so far, in parts.

    store.progress has `parts` and `done` beside what reading_place.py notes, and `counted` for what whoever yields the
    rows counts. All of it is true of the row yielded last.
    """

    def __init__(self, job: Job, folder: Path, columns: Sequence[str], store: DigestStore):
        self.job, self.folder, self.columns, self.store = job, folder, columns, store

    def keep(self, rows: Iterator[Row]) -> None:
        """Write all rows, unless that is done. Raises Interrupted between two parts when the job should stop."""
        progress = self.store.progress
        while not progress["done"]:
            path = self._path(progress["parts"])
            scratch = path.with_suffix(".part")
            write(scratch, self.columns, self._part(rows))
            scratch.replace(path)
            progress["parts"] += 1
            self.store.commit()
            if not progress["done"]:
                stop_if_asked(self.job, f"{progress['parts']} parts of the text are read")

    def rows(self) -> Iterator[Row]:
        """All rows again, in their order."""
        for number in range(self.store.progress["parts"]):
            with pq.ParquetFile(self._path(number)) as file:
                for batch in file.iter_batches(ROWS_PER_READ, use_threads=False):
                    yield from zip(*(batch[column].to_pylist() for column in self.columns), strict=True)

    def _part(self, rows: Iterator[Row]) -> Iterator[Row]:
        size = 0
        for row in rows:
            yield row
            size += len(row[-1])
            if size >= CHARACTERS_PER_PART:
                return
        self.store.progress["done"] = True

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.parquet"


def write(path: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    """A parquet file of text columns, in row groups of bounded size."""
    schema = pa.schema([(name, pa.large_string()) for name in columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        group: list[Row] = []
        size = 0

        def flush() -> None:
            arrays = [pa.array(column, pa.large_string()) for column in zip(*group, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        for row in rows:
            group.append(row)
            size += len(row[-1])
            if len(group) == ROWS_PER_GROUP or size >= CHARACTERS_PER_GROUP:
                flush()
                group, size = [], 0
        if group:
            flush()
