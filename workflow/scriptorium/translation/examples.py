"""Pairs whose sides may have a vocabulary each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.generation import examples
from scriptorium.generation.examples import Cut, Frame, Texts, sources

if TYPE_CHECKING:
    import pandas as pd
    import transformers


class Pairs(examples.Pairs):
    """As of generation, but `reads` is the tokenizer of the sources and `writes` that of the targets.

    longest: of a text in pieces, with a first and a last symbol; pairs with a longer side are left out.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        reads: transformers.PreTrainedTokenizerBase,
        writes: transformers.PreTrainedTokenizerBase,
        frame: Frame,
        longest: int,
    ):
        self.frame = frame
        self.source = sources(table["source"].tolist(), reads, frame, longest)
        whole = Texts(table["target"].tolist(), writes, frame.begin, (frame.end,))
        self.target = Cut(whole, longest + len(frame.begin) - 1, 0)  # a start symbol before the first one is none of it
        self.rows = np.flatnonzero(
            np.logical_and(*(side.whole.lengths <= side.longest for side in (self.source, self.target)))
        )
        self.left_out = len(table) - len(self.rows)
        self.lengths = (self.source.lengths + self.target.lengths)[self.rows]
