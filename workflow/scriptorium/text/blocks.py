"""Blocks of tokens in an Arrow file: written as a stream, memory-mapped when read.

A file takes 2 bytes per token, 4 where the vocabulary has more than 65,536 pieces, and 8 for each stretch of a block
that belongs to one document.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

PACKED = "packed"  # the layout without padding
BLOCKS_PER_BATCH = 4096  # blocks in one Arrow record batch
PADDED_OWNER = -1  # document id of padding

OWNERS, LENGTHS = "documents", "lengths"  # of the stretches of a block: whose they are, and how many tokens they have


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
        self._ids = _rows(table["input_ids"])
        self._owners = [
            (owners.offsets.to_numpy(), owners.values.to_numpy(), lengths.values.to_numpy())
            for owners, lengths in zip(table[OWNERS].chunks, table[LENGTHS].chunks, strict=True)
        ]
        self._extra = {name: _rows(table[name]) for name in table.schema.names if name not in _COLUMNS}
        self._size = table.num_rows
        self._chunk_size = len(self._ids[0]) if self._size else 1  # all batches but the last are equally long

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chunk, row = self._place(index)
        offsets, owners, lengths = self._owners[chunk]
        stretches = slice(offsets[row], offsets[row + 1])
        return self._ids[chunk][row].astype(np.int32), np.repeat(owners[stretches], lengths[stretches])

    def extra(self, index: int) -> dict[str, np.ndarray]:
        """The further columns of a block, int32, such as segment_ids [L] and is_next [1] of sentence pairs."""
        chunk, row = self._place(index)
        return {name: chunks[chunk][row].astype(np.int32) for name, chunks in self._extra.items()}

    def column(self, name: str) -> np.ndarray:
        """A further column of all blocks, int32 [blocks, values]."""
        return np.concatenate(self._extra[name]).astype(np.int32)

    @property
    def padded(self) -> bool:
        """Blocks may hold padding."""
        return self.layout != PACKED

    @functools.cached_property
    def tokens(self) -> int:
        """Tokens in all blocks, without padding."""
        return sum(int(lengths[owners != PADDED_OWNER].sum()) for _, owners, lengths in self._owners)

    def _place(self, index: int) -> tuple[int, int]:
        if not 0 <= index < self._size:
            raise IndexError(index)
        return divmod(index, self._chunk_size)

    def token_counts(self, vocabulary: int) -> np.ndarray:
        """How often each token id occurs, int64 of shape [vocabulary]."""
        counts = np.zeros(vocabulary, dtype=np.int64)
        for input_ids in self._ids:
            counts += np.bincount(input_ids.ravel(), minlength=vocabulary)
        return counts


_COLUMNS = ("input_ids", OWNERS, LENGTHS)


def write(
    path: Path,
    blocks: Iterator[tuple[np.ndarray, ...]],
    length: int,
    vocabulary: int,
    *,
    layout: str = PACKED,
    extra: Mapping[str, int] | None = None,
) -> None:
    """An Arrow IPC file with record batches of BLOCKS_PER_BATCH rows, so that a row is found by division.

    A block is input_ids [L] of a vocabulary of so many pieces, document_ids [L] and the columns `extra`, {name: values
    per block}, of small whole numbers; all int32.
    """
    widths = {"input_ids": pa.list_(pa.from_numpy_dtype(piece_type(vocabulary)), length)}
    widths |= {name: pa.list_(pa.int16(), width) for name, width in (extra or {}).items()}
    stretches = dict.fromkeys((OWNERS, LENGTHS), pa.list_(pa.int32()))
    schema = pa.schema(
        [pa.field(name, kind, nullable=False) for name, kind in (widths | stretches).items()],
        metadata=None if layout == PACKED else {"layout": layout},
    )

    def flush(rows: list[tuple[np.ndarray, ...]]) -> None:
        ids, owners, *others = (np.stack(column) for column in zip(*rows, strict=True))
        made = dict(zip(widths, (ids, *others), strict=True))
        columns = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(made[name].ravel()).cast(kind.value_type), type=kind)
            for name, kind in widths.items()
        }
        columns |= _stretches(owners)
        writer.write_batch(pa.record_batch([columns[name] for name in schema.names], schema=schema))
        rows.clear()

    with pa.ipc.new_file(str(path), schema) as writer:
        rows: list[tuple[np.ndarray, ...]] = []
        for block in blocks:
            rows.append(block)
            if len(rows) == BLOCKS_PER_BATCH:
                flush(rows)
        if rows:
            flush(rows)


def piece_type(vocabulary: int) -> np.dtype:
    """The smallest type that holds every piece of a vocabulary of so many: 16 or 32 bits."""
    return np.dtype(np.uint16 if vocabulary <= 1 << 16 else np.int32)


def _stretches(owners: np.ndarray) -> dict[str, pa.ListArray]:
    """The stretches of equal document ids [blocks, L]: whose each is, and how long."""
    begins = np.ones(owners.shape, dtype=bool)
    begins[:, 1:] = owners[:, 1:] != owners[:, :-1]
    counts = begins.sum(axis=1)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    places = np.flatnonzero(begins)
    lengths = np.diff(np.append(places, owners.size)).astype(np.int32)  # a stretch ends with its block: the next begins
    return {
        OWNERS: pa.ListArray.from_arrays(offsets, pa.array(owners.ravel()[places])),
        LENGTHS: pa.ListArray.from_arrays(offsets, pa.array(lengths)),
    }


def _rows(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The record batches of a fixed-size list column as arrays [rows, values per row], without a copy."""
    width = column.type.list_size
    return [chunk.flatten().to_numpy(zero_copy_only=True).reshape(-1, width) for chunk in column.chunks]


def padded(values: list[int], length: int, fill: int) -> np.ndarray:
    """int32 [length]: `values`, then `fill`."""
    row = np.full(length, fill, dtype=np.int32)
    row[: len(values)] = values
    return row
