"""Packed blocks, cut into shorter ones for length warm-up (ours)."""

from __future__ import annotations

import numpy as np

from scriptorium.errors import UserError
from scriptorium.text.blocks import PACKED, Blocks


class Cut:
    """Blocks of `length`, in order: cut[i * parts + p] is part p of block i, so every token is in one of them.

    Only the first part begins with [CLS]; positions start at 0 in each. Raises UserError: the blocks' length is not a
    multiple of `length`, or the blocks are padded or pairs, so that a part might hold no text.
    """

    layout, padded = PACKED, False

    def __init__(self, blocks: Blocks, length: int):
        if blocks.layout != PACKED:
            raise UserError(
                f"blocks of layout {blocks.layout} cannot be cut into shorter ones",
                where="train.length_warmup",
                remedy=f"leave it out, or pack with layout {PACKED}; or train a second recipe on longer blocks",
            )
        self.parts, rest = divmod(blocks.length, length)
        if rest or self.parts < 2:
            raise UserError(
                f"blocks of {blocks.length} tokens cannot be cut into blocks of {length}",
                where="train.length_warmup.length",
                remedy="choose a length of which block_length is a multiple",
            )
        self.blocks, self.length = blocks, length

    def __len__(self) -> int:
        return len(self.blocks) * self.parts

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        block, part = divmod(index, self.parts)
        piece = slice(part * self.length, (part + 1) * self.length)
        input_ids, document_ids = self.blocks[block]
        return input_ids[piece], document_ids[piece]

    def extra(self, _: int) -> dict[str, np.ndarray]:
        """Packed blocks have no further columns."""
        return {}
