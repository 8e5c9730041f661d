"""The data path of MPNet, PLM and MLM: which tokens are predicted, in which order, and what stands in for them.

Kept from MPNet (docs/papers/mpnet.md section 2): words are permuted, not pieces; the predicted part is the end of the
permutation, cut at the exact count, so that at most one word of a block is half predicted; that part is then shuffled
piece by piece; one corrupted copy (80% mask, 10% random, 10% kept) feeds both the mask rows and the queries; PLM's
queries are masks throughout.

`corrected` (default) predicts ordinary tokens only, so many of each block's own, and draws random tokens from them.
`faithful` follows the original: p = round(rate * width) for all blocks of a batch, specials and padding among the
predicted, random tokens of any id but fairseq's first four. The original's blocks are those of layout full-sentences:
whole lines, padded to the longest of 16 blocks of similar length (objectives/widths.py). What padding there is, is
predicted without a label and attended to, as there. On packed blocks there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from scriptorium.objectives.collating import batches
from scriptorium.objectives.draws import Draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.masking import corrupt, count_of, word_beginnings
from scriptorium.objectives.widths import widths_of
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import word_starts

if TYPE_CHECKING:
    from scriptorium.objectives.spec.permuted import PermutedBlocksSpec

UNUSED = -1  # position of a slot that a block does not use
FAIRSEQ_SPECIALS = 4  # <s> <pad> </s> <unk>: ids that the original never draws
NEVER_IN_TEXT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<unk>")  # MPNet's vocabulary keeps them beside its own


class PermutedBlocks(Dataset):
    """Blocks with tokens hidden. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [L] corrupted, document_ids [L]; and in the order of prediction positions [k], revealed [k] = the true
    tokens there, labels [k] = the same, or -100 where a prediction does not count (padding). With `masks_only` every
    predicted token is replaced by the mask symbol, whatever `spec` says. `faithful` cuts padded blocks [L] to the width
    of their batch, which is then their length in `lengths`, and adds columns [width] of zeros.
    Raises UserError: whole words are asked for, but the vocabulary does not mark them.
    """

    def __init__(self, blocks: Blocks, spec: PermutedBlocksSpec, tokenizer: Any, draws: Draws, *, masks_only: bool):
        self.blocks, self.spec, self.draws = blocks, spec, draws
        self.mask_id, self.pad_id = tokenizer.mask_token_id, tokenizer.pad_token_id
        names = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
        self.special = np.zeros(len(tokenizer), dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        self.starts = word_starts(tokenizer) if spec.permuted.whole_words else np.ones(len(tokenizer), dtype=bool)
        ordinary = ~self.special & ~np.isin(names, NEVER_IN_TEXT)
        faithful = spec.permuted.faithful
        self.ordinary = np.arange(FAIRSEQ_SPECIALS, len(names)) if faithful else np.flatnonzero(ordinary)
        self.lengths = widths_of(blocks) if faithful and blocks.padded else None
        self.shares = {"mask": 1.0, "random": 0.0} if masks_only else {"mask": spec.mask, "random": spec.random}

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        input_ids, document_ids = self.blocks[index]
        if self.lengths is not None:
            input_ids, document_ids = (column[: self.lengths[index]] for column in (input_ids, document_ids))
        example = {**self.hide(input_ids, self.draws(epoch, index)), "document_ids": document_ids}
        if self.blocks.padded:
            example["attention_mask"] = (document_ids >= 0).astype(np.int64)
        if self.lengths is not None:
            example["columns"] = np.zeros(len(input_ids), np.int64)
        return example

    def hide(self, input_ids: np.ndarray, generator: np.random.Generator) -> dict[str, np.ndarray]:
        """One example from tokens [L], which may be padded; without document_ids."""
        special = self.special[input_ids]
        chosen = np.ones_like(special) if self.spec.permuted.faithful else ~special
        candidates = np.flatnonzero(chosen)
        count = min(len(candidates), count_of(len(candidates), self.spec.rate))
        first = word_beginnings(input_ids, self.starts, self.special)
        positions = predicted_part(candidates, first[candidates], count, generator)
        revealed = input_ids[positions]
        corrupted = input_ids.copy()
        corrupted[positions] = corrupt(
            revealed, mask_id=self.mask_id, ordinary=self.ordinary, **self.shares, generator=generator
        )
        labels = np.where(revealed == self.pad_id, IGNORED, revealed)
        return {"input_ids": corrupted, "positions": positions, "revealed": revealed, "labels": labels}


def predicted_part(candidates: np.ndarray, first: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """`count` of the positions `candidates` [m] (ascending), in the order in which they are predicted.

    first [m]: where a word begins. Words are permuted, and the last `count` positions are taken and shuffled one by
    one: pieces of a word are not predicted in order or next to each other.
    """
    words = np.cumsum(first)
    place = generator.permutation(words[-1] + 1)  # of each word in the permutation
    order = candidates[np.argsort(place[words], kind="stable")]
    return generator.permutation(order[len(order) - count :])


def collate(*, document_attention: bool) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch: input_ids [B, L], positions, revealed and labels [B, K], all int64.

    K is the largest k of the batch; filled up with position -1 and label -100. With `document_attention` also
    document_ids [B, L], and of padded blocks attention_mask [B, L]. Without it, and where blocks of different widths
    come together, document_ids are 0 in a block's own width and -1 behind it, so that each is computed as in its own.
    """
    fills = {"input_ids": 0, "positions": UNUSED, "revealed": 0, "labels": IGNORED, "attention_mask": 0}
    fills |= {"document_ids": -1} if document_attention else {"columns": -1}
    together = batches(fills)

    def batch(examples: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        made = together(examples)
        columns = made.pop("columns", None)
        return made if columns is None or (columns == 0).all() else {**made, "document_ids": columns}

    return batch
