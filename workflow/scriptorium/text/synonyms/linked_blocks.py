"""Blocks of two sides with links between synonyms: written once, memory-mapped when read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa

from scriptorium.errors import UserError
from scriptorium.text.blocks import BLOCKS_PER_BATCH, Blocks


class LinkedBlocks(Blocks):
    """As Blocks, with `links`. Raises UserError: the links are of other blocks."""

    def __init__(self, path: Path, links: Path):
        super().__init__(path)
        table = pa.ipc.open_file(pa.memory_map(str(links))).read_all()
        if table.num_rows != len(self):
            raise UserError(
                f"links of {table.num_rows} blocks, and there are {len(self)}", where=links, remedy="link them again"
            )
        self._words = [chunk.flatten().to_numpy().reshape(len(chunk), 2, -1) for chunk in table["words"].chunks]
        self._links = [(chunk.offsets.to_numpy(), chunk.values.to_numpy()) for chunk in table["links"].chunks]

    def links(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(words [2, L]: the number of the word of each token in its side, -1 where it is of none; links [k, 2]: words
        of x and of y that are synonyms), int16."""
        chunk, row = divmod(index, BLOCKS_PER_BATCH)
        offsets, values = self._links[chunk]
        return self._words[chunk][row], values[offsets[row] : offsets[row + 1]].reshape(-1, 2)


def write(path: Path, batches: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], length: int) -> None:
    """batches: of BLOCKS_PER_BATCH blocks each, but for the last one: words [b, 2, L], links [k, 2] and the number of
    links of each block [b]."""
    words_type, links_type = pa.list_(pa.int16(), length), pa.list_(pa.int16())
    schema = pa.schema([pa.field("words", words_type), pa.field("links", links_type)])
    with pa.ipc.new_file(str(path), schema) as writer:
        for words, links, counts in batches:
            offsets = np.concatenate([[0], np.cumsum(2 * counts)]).astype(np.int32)
            columns = [
                pa.FixedSizeListArray.from_arrays(pa.array(words.reshape(-1).astype(np.int16)), type=words_type),
                pa.ListArray.from_arrays(pa.array(offsets), pa.array(links.reshape(-1).astype(np.int16))),
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
