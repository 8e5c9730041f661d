"""Blocks of tokens in an Arrow file: written as a stream, memory-mapped when read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

BLOCKS_PER_BATCH = 4096  # blocks in one Arrow record batch


class Blocks:
    """The blocks of a split, memory-mapped: blocks[i] = (input_ids, document_ids), int32 arrays of shape [L].

    `document_ids` numbers the documents of the split; a block's [CLS] belongs to the document that follows it.
    """

    def __init__(self, path: Path):
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        self.length: int = table.schema.field("input_ids").type.list_size
        self._chunks = list(zip(*(_chunks(table[name], self.length) for name in _COLUMNS), strict=True))
        self._size = table.num_rows
        self._chunk_size = len(self._chunks[0][0])  # all batches but the last are equally long

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < self._size:
            raise IndexError(index)
        chunk, row = divmod(index, self._chunk_size)
        input_ids, document_ids = self._chunks[chunk]
        return input_ids[row], document_ids[row]

    def token_counts(self, vocabulary: int) -> np.ndarray:
        """How often each token id occurs, int64 of shape [vocabulary]."""
        counts = np.zeros(vocabulary, dtype=np.int64)
        for input_ids, _ in self._chunks:
            counts += np.bincount(input_ids.ravel(), minlength=vocabulary)
        return counts


_COLUMNS = ("input_ids", "document_ids")


def write(path: Path, blocks: Iterator[tuple[np.ndarray, np.ndarray]], length: int) -> None:
    """An Arrow IPC file with record batches of BLOCKS_PER_BATCH rows, so that a row is found by division."""
    kind = pa.list_(pa.int32(), length)
    schema = pa.schema([pa.field(name, kind, nullable=False) for name in _COLUMNS])

    def flush(rows: list[tuple[np.ndarray, np.ndarray]]) -> None:
        arrays = [
            pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(column)), type=kind)
            for column in zip(*rows, strict=True)
        ]
        writer.write_batch(pa.record_batch(arrays, schema=schema))
        rows.clear()

    with pa.ipc.new_file(str(path), schema) as writer:
        rows: list[tuple[np.ndarray, np.ndarray]] = []
        for block in blocks:
            rows.append(block)
            if len(rows) == BLOCKS_PER_BATCH:
                flush(rows)
        if rows:
            flush(rows)


def _chunks(column: pa.ChunkedArray, length: int) -> list[np.ndarray]:
    """The record batches of a fixed-size list column as arrays [rows, L], without a copy."""
    return [chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, length) for chunk in column.chunks]
