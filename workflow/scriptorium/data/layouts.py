"""How a stream of tokenised documents becomes blocks.

Packed (ours; BERT instead pads segment pairs): every document becomes its word pieces followed by [SEP]; the
documents of a split form one stream in the order of the corpus; every block is [CLS] and the next L - 1 tokens of
the stream. A document may go on in the next block. Positions are those of the block: they do not restart with a
document, so all positions are trained evenly, also where documents are single sentences. The tokens after the last
full block of a split are dropped, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


class Packed:
    """Cuts a stream of documents into blocks; counts what it made and what was left over."""

    def __init__(self, cls: int, sep: int, length: int):
        self.cls, self.sep, self.length = cls, sep, length
        self.documents = self.count = self.dropped = 0

    def blocks(self, documents: Iterable[list[int]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (input_ids, document_ids), each int32 [L]. Documents without any piece are left out."""
        body = self.length - 1
        tokens: list[int] = []
        owners: list[int] = []
        for pieces in documents:
            if not pieces:
                continue
            tokens += [*pieces, self.sep]
            owners += [self.documents] * (len(pieces) + 1)
            self.documents += 1
            for start in range(0, len(tokens) - body + 1, body):
                stop = start + body
                self.count += 1
                yield (np.array([self.cls, *tokens[start:stop]], dtype=np.int32),
                       np.array([owners[start], *owners[start:stop]], dtype=np.int32))  # fmt: skip
            used = len(tokens) // body * body
            del tokens[:used], owners[:used]
        self.dropped = len(tokens)
