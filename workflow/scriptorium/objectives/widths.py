"""How wide fairseq makes the batch that a padded block is in (docs/papers/mpnet.md section 2).

fairseq sorts the blocks of a corpus by length and cuts the sorted list into batches, once; each is padded to its
longest block. The original's example has batches of 16 blocks, 16 of which make a step on each of its cards. So that
what is hidden in a block depends on the corpus alone, and not on how a step is shared by processes, these batches are
made here, whatever the batch of a step is (ours); ties are in the order of the file, where fairseq draws them (ours).
"""

from __future__ import annotations

import numpy as np

from scriptorium.text.blocks import Blocks

TOGETHER = 16  # blocks that are padded to one width: the original's `--max-sentences`


def widths_of(blocks: Blocks) -> np.ndarray:
    """The width of each block's batch, int64 [blocks]: the length of the longest of the batch that it is in."""
    count = len(blocks)
    lengths = np.fromiter((np.count_nonzero(blocks[index][1] >= 0) for index in range(count)), np.int64, count)
    order = np.argsort(lengths, kind="stable")
    last = np.minimum(np.arange(count) // TOGETHER * TOGETHER + TOGETHER, count) - 1
    widths = np.empty(count, np.int64)
    widths[order] = lengths[order[last]]
    return widths
