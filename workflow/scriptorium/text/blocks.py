"""Blocks of tokens in an Arrow file: written as a stream, memory-mapped when read."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

PACKED = "packed"  # the layout without padding
BLOCKS_PER_BATCH = 4096  # blocks in one Arrow record batch


class Blocks:
    """The blocks of a split, memory-mapped: blocks[i] = (input_ids, document_ids), int32 arrays of shape [L].

    `document_ids` numbers the documents of the split; a block's [CLS] belongs to the document that follows it, and
    padding to none: -1. `layout` names how the blocks were made; some layouts have further columns, see `extra`.
    """

    def __init__(self, path: Path):
        self.path = path
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        self.length: int = table.schema.field("input_ids").type.list_size
        self.layout: str = (table.schema.metadata or {}).get(b"layout", PACKED.encode()).decode()
        self._names = table.schema.names
        self._chunks = list(zip(*(_chunks(table[name]) for name in self._names), strict=True))
        self._size = table.num_rows
        self._chunk_size = len(self._chunks[0][0])  # all batches but the last are equally long

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        input_ids, document_ids, *_ = self._row(index)
        return input_ids, document_ids

    def extra(self, index: int) -> dict[str, np.ndarray]:
        """The further columns of a block, such as segment_ids [L] and is_next [1] of sentence pairs."""
        return dict(zip(self._names[2:], self._row(index)[2:], strict=True))

    def column(self, name: str) -> np.ndarray:
        """A further column of all blocks, int32 [blocks, values]."""
        place = self._names.index(name)
        return np.concatenate([chunk[place] for chunk in self._chunks])

    @property
    def padded(self) -> bool:
        """Blocks may hold padding."""
        return self.layout != PACKED

    @functools.cached_property
    def tokens(self) -> int:
        """Tokens in all blocks, without padding."""
        return sum(int((document_ids >= 0).sum()) for _, document_ids, *_ in self._chunks)

    def _row(self, index: int) -> tuple[np.ndarray, ...]:
        if not 0 <= index < self._size:
            raise IndexError(index)
        chunk, row = divmod(index, self._chunk_size)
        return tuple(column[row] for column in self._chunks[chunk])

    def token_counts(self, vocabulary: int) -> np.ndarray:
        """How often each token id occurs, int64 of shape [vocabulary]."""
        counts = np.zeros(vocabulary, dtype=np.int64)
        for input_ids, *_ in self._chunks:
            counts += np.bincount(input_ids.ravel(), minlength=vocabulary)
        return counts


_COLUMNS = ("input_ids", "document_ids")


def write(
    path: Path,
    blocks: Iterator[tuple[np.ndarray, ...]],
    length: int,
    *,
    layout: str = PACKED,
    extra: Mapping[str, int] | None = None,
) -> None:
    """An Arrow IPC file with record batches of BLOCKS_PER_BATCH rows, so that a row is found by division.

    A row holds input_ids, document_ids and the columns `extra`, {name: values per block}; all int32.
    """
    kinds = [pa.list_(pa.int32(), width) for width in (length, length, *(extra or {}).values())]
    fields = zip((*_COLUMNS, *(extra or {})), kinds, strict=True)
    schema = pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in fields],
        metadata=None if layout == PACKED else {"layout": layout},
    )

    def flush(rows: list[tuple[np.ndarray, ...]]) -> None:
        arrays = [
            pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(column)), type=kind)
            for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)
        ]
        writer.write_batch(pa.record_batch(arrays, schema=schema))
        rows.clear()

    with pa.ipc.new_file(str(path), schema) as writer:
        rows: list[tuple[np.ndarray, ...]] = []
        for block in blocks:
            rows.append(block)
            if len(rows) == BLOCKS_PER_BATCH:
                flush(rows)
        if rows:
            flush(rows)


def _chunks(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The record batches of a fixed-size list column as arrays [rows, values per row], without a copy."""
    width = column.type.list_size
    return [chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, width) for chunk in column.chunks]


PADDED_OWNER = -1  # document id of padding


def padded(values: list[int], length: int, fill: int) -> np.ndarray:
    """int32 [length]: `values`, then `fill`."""
    row = np.full(length, fill, dtype=np.int32)
    row[: len(values)] = values
    return row
