"""What the data sets of all kinds of task have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import pandas as pd


class Labelled(Protocol):
    """A prepared split as inputs of a model, indexed by input; `lengths` are their numbers of pieces."""

    table: pd.DataFrame
    lengths: np.ndarray

    def __len__(self) -> int: ...

    def __getitem__(self, key: int | tuple[int, int]) -> dict: ...

    def notes(self, split: str) -> Iterator[str]:
        """What the reader of a journal should know."""

    def collate(self, pad_id: int, multiple: int = 1) -> Callable[[list[dict]], dict]:
        """Makes batches, padded with `pad_id` to the longest input, rounded up to a multiple."""
