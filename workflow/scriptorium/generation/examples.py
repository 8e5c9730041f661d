"""Pairs as a model reads them: a source with the symbols around it, and the target that is to be written for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Frame:
    """Which symbols stand around texts: `before` and `behind` a source, `end` behind what is written.

    begin: what the decoder of an encoder-decoder begins with. None: a causal model, which writes on behind its source.
    """

    before: tuple[int, ...]
    behind: tuple[int, ...]
    begin: tuple[int, ...] | None
    end: int

    def example(self, source: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        """The model's inputs, and as labels what is written, its end included; IGNORED: not predicted."""
        if self.begin is None:
            read, given = np.concatenate([source, target]), len(source)
            inputs = {"input_ids": read[:-1], "attention_mask": np.ones_like(read[:-1])}
        else:
            read, given = target, len(self.begin)
            inputs = {"input_ids": source, "attention_mask": np.ones_like(source), "decoder_input_ids": read[:-1]}
        labels = read[1:].copy()
        labels[: given - 1] = IGNORED
        return inputs | {"labels": labels}


class Texts:
    """Texts of different lengths in one array: texts[i] is int32 [length], the pieces with `before` and `behind`."""

    def __init__(
        self,
        texts: Sequence[str],
        tokenizer: transformers.PreTrainedTokenizerBase,
        before: Sequence[int],
        behind: Sequence[int],
    ):
        parts, lengths = [], []
        for start in range(0, len(texts), AT_ONCE):
            pieces = tokenizer(list(texts[start : start + AT_ONCE]), add_special_tokens=False)["input_ids"]
            parts += [np.array([*before, *own, *behind], np.int32) for own in pieces]
            lengths += [len(before) + len(own) + len(behind) for own in pieces]
        self.lengths = np.array(lengths, np.int64)
        self._ends = np.concatenate([[0], np.cumsum(self.lengths)])
        self._pieces = np.concatenate(parts) if parts else np.zeros(0, np.int32)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._pieces[self._ends[index] : self._ends[index + 1]]


class Cut:
    """The same texts, none longer than `longest` pieces: what is too much is cut before the last `kept` ones.

    cut: how many were longer.
    """

    def __init__(self, whole: Texts, longest: int, kept: int):
        self.whole, self.longest, self.kept = whole, longest, kept
        self.lengths = np.minimum(whole.lengths, longest)
        self.cut = int((whole.lengths > longest).sum())

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, index: int) -> np.ndarray:
        text = self.whole[index]
        if len(text) <= self.longest:
            return text
        return np.concatenate([text[: self.longest - self.kept], text[len(text) - self.kept :]])


def sources(texts: Sequence[str], tokenizer: transformers.PreTrainedTokenizerBase, frame: Frame, longest: int) -> Cut:
    """Sources in their frame, of at most `longest` pieces, symbols included."""
    return Cut(Texts(texts, tokenizer, frame.before, frame.behind), longest, len(frame.behind))


class Pairs(Dataset):
    """Examples of at most so many pieces a side: pairs[(epoch, index)] in training, pairs[index] elsewhere.

    writes: the tokenizer of the targets, where they have one of their own.
    longest: of a source and of a target, each with its symbols. Pairs with a longer side are left out; or it is `cut`,
    a target so that it has no end. left_out: how many pairs. lengths: pieces of both sides, to put similar ones into a
    batch.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerBase,
        frame: Frame,
        longest: tuple[int, int],
        *,
        writes: transformers.PreTrainedTokenizerBase | None = None,
        cut: bool = False,
    ):
        self.frame, writes = frame, tokenizer if writes is None else writes
        self.source = sources(table["source"].tolist(), tokenizer, frame, longest[0])
        self.target = Cut(Texts(table["target"].tolist(), writes, frame.begin or (), (frame.end,)), longest[1], 0)
        fits = [side.whole.lengths <= side.longest for side in (self.source, self.target)]
        self.rows = np.arange(len(table)) if cut else np.flatnonzero(np.logical_and(*fits))
        self.left_out = len(table) - len(self.rows)
        self.lengths = (self.source.lengths + self.target.lengths)[self.rows]

    def check(self, split: str, where: Path, remedy: str) -> None:
        """Raises UserError if no pair is left."""
        if not len(self):
            raise UserError(
                f"no pair is left for {split}: all {self.left_out} are longer than allowed", where=where, remedy=remedy
            )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: tuple[int, int] | int) -> dict[str, np.ndarray]:
        row = self.rows[key[1] if isinstance(key, tuple) else key]
        return self.frame.example(self.source[row], self.target[row])


def collate(pad: int) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch, int64 [B, L]: input_ids, attention_mask, labels, and decoder_input_ids where
    there is a decoder."""
    fills = {"input_ids": pad, "attention_mask": 0, "decoder_input_ids": pad, "labels": IGNORED}
    return collating.batches(fills)
