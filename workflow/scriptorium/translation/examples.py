"""Pairs as a model reads them: [first] pieces [last] on the source side; the decoder begins with the first symbol and
ends with the last one, as in pre-training (models/veco/translation.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.objectives import collating
from scriptorium.objectives.labels import IGNORED

if TYPE_CHECKING:
    import pandas as pd
    import transformers

AT_ONCE = 10_000  # texts that are given to the tokenizer


class Texts:
    """Texts of different lengths in one array: texts[i] is int32 [length], [first] pieces [last]."""

    def __init__(self, texts: Sequence[str], tokenizer: transformers.PreTrainedTokenizerBase):
        parts, lengths = [], []
        for start in range(0, len(texts), AT_ONCE):
            pieces = tokenizer(list(texts[start : start + AT_ONCE]), add_special_tokens=False)["input_ids"]
            parts += [np.array([tokenizer.cls_token_id, *own, tokenizer.sep_token_id], np.int32) for own in pieces]
            lengths += [len(own) + 2 for own in pieces]
        self.lengths = np.array(lengths, np.int64)
        self._ends = np.concatenate([[0], np.cumsum(self.lengths)])
        self._pieces = np.concatenate(parts) if parts else np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._pieces[self._ends[index] : self._ends[index + 1]]


class Pairs(Dataset):
    """Examples of at most `longest` pieces a side: pairs[(epoch, index)] in training, pairs[index] elsewhere.

    left_out: how many pairs are longer. lengths: pieces of both sides, to put similar ones into a batch.
    """

    def __init__(self, table: pd.DataFrame, tokenizer: transformers.PreTrainedTokenizerBase, longest: int):
        self.source, self.target = (Texts(table[side].tolist(), tokenizer) for side in ("source", "target"))
        self.rows = np.flatnonzero(np.maximum(self.source.lengths, self.target.lengths) <= longest)
        self.left_out = len(table) - len(self.rows)
        self.lengths = (self.source.lengths + self.target.lengths)[self.rows]

    def check(self, split: str, where: Path) -> None:
        """Raises UserError if no pair is left."""
        if not len(self):
            raise UserError(
                f"no pair is left for {split}: all {self.left_out} are longer than max_length",
                where=where,
                remedy="raise max_length of the translation",
            )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: tuple[int, int] | int) -> dict[str, np.ndarray]:
        row = self.rows[key[1] if isinstance(key, tuple) else key]
        source, target = self.source[row], self.target[row]
        return {
            "input_ids": source,
            "attention_mask": np.ones_like(source),
            "decoder_input_ids": target[:-1],
            "labels": target[1:],
        }


def collate(pad: int) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch, int64 [B, L]: input_ids, attention_mask, decoder_input_ids, labels."""
    fills = {"input_ids": pad, "attention_mask": 0, "decoder_input_ids": pad, "labels": IGNORED}
    return collating.batches(fills)
