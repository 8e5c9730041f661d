"""Blocks of two sides for cross-lingual pre-training: texts on one side, their translations or continuations on the
other (docs/crosslingual.md).

A block of length 2 L is side x, then side y, L tokens each. It holds one or several pairs, each whole: on x a text as
[CLS] pieces [SEP], on y the text that belongs to it. `document_ids` is the number of the pair in the split, the same on
both sides, and -1 in the padding at the end of a side. Attention inside a text, across the two texts of a pair, and
over both of them joined, are all "where document_ids are equal".

A block is of one group: monolingual (adjacent segments of documents of one language) or bilingual (translations of one
pair of languages); the column `group` numbers the groups of groups.json, all monolingual ones first. Blocks of both
kinds have the same size, so equal numbers of blocks are equal budgets of tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scriptorium.text.blocks import PADDED_OWNER

NAME = "two-sided"
GROUPS = "groups.json"
OPEN = 64  # blocks that are filled at once: a pair goes into the first one with room for both of its sides

Pieces = tuple[np.ndarray, np.ndarray]  # of a text and of the one that belongs to it, with special tokens


@dataclass(frozen=True)
class Group:
    """Blocks that are alike. languages: one, or those of x and y; texts: sentences or pairs of the train split."""

    kind: str  # monolingual or bilingual
    languages: tuple[str, ...]
    texts: int

    @property
    def name(self) -> str:
        return "-".join(self.languages)


def read_groups(folder: Path) -> list[Group]:
    """The groups of a folder of packed pairs, in the order of their numbers."""
    found = json.loads((folder / GROUPS).read_text(encoding="utf-8"))
    return [Group(entry["kind"], tuple(entry["languages"]), entry["texts"]) for entry in found]


def positions(document_ids: np.ndarray) -> np.ndarray:
    """Positions inside each text, from 0, of sides [..., L]; 0 in the padding. Same shape, int64."""
    places = np.broadcast_to(np.arange(document_ids.shape[-1]), document_ids.shape)
    begins = np.ones(document_ids.shape, dtype=bool)
    begins[..., 1:] = document_ids[..., 1:] != document_ids[..., :-1]
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    return np.where(document_ids >= 0, places - first, 0)


def segments(pieces: np.ndarray, longest: int, shortest: int) -> Iterator[Pieces]:
    """Adjacent segments of a document, without special tokens: full ones, then two halves of what is left (ours)."""
    whole = len(pieces) - len(pieces) % (2 * longest)
    for start in range(0, whole, 2 * longest):
        yield pieces[start : start + longest], pieces[start + longest : start + 2 * longest]
    rest = pieces[whole:]
    if len(rest) >= 2 * shortest:
        yield rest[: (len(rest) + 1) // 2], rest[(len(rest) + 1) // 2 :]


class Filler:
    """Puts pairs into blocks, first fit; counts what it made."""

    def __init__(self, half: int, pad: int):
        self.half, self.pad = half, pad
        self.pairs = self.blocks = self.tokens = 0  # pairs are numbered over all calls of `fill`

    def fill(self, pairs: Iterable[Pieces]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (input_ids, document_ids), each int32 [2 L], of pairs of which no side is longer than L."""
        waiting: list[_Block] = []
        for pair in pairs:
            sizes = len(pair[0]), len(pair[1])
            place = next((block for block in waiting if block.has_room(sizes, self.half)), None)
            if place is None:
                waiting.append(place := _Block())
                if len(waiting) > OPEN:
                    yield self._row(waiting.pop(0))
            place.add(self.pairs, pair, sizes)
            self.pairs += 1
        yield from map(self._row, waiting)

    def _row(self, block: _Block) -> tuple[np.ndarray, np.ndarray]:
        ids = np.full((2, self.half), self.pad, dtype=np.int32)
        owners = np.full((2, self.half), PADDED_OWNER, dtype=np.int32)
        for side in (0, 1):
            end = 0
            for number, pair in block.pairs:
                start, end = end, end + len(pair[side])
                ids[side, start:end], owners[side, start:end] = pair[side], number
        self.blocks += 1
        self.tokens += sum(block.sizes)
        return ids.reshape(-1), owners.reshape(-1)


class _Block:
    """A block that is being filled."""

    def __init__(self) -> None:
        self.pairs: list[tuple[int, Pieces]] = []
        self.sizes = [0, 0]

    def has_room(self, sizes: tuple[int, int], half: int) -> bool:
        return self.sizes[0] + sizes[0] <= half and self.sizes[1] + sizes[1] <= half

    def add(self, number: int, pair: Pieces, sizes: tuple[int, int]) -> None:
        self.pairs.append((number, pair))
        self.sizes = [self.sizes[0] + sizes[0], self.sizes[1] + sizes[1]]
