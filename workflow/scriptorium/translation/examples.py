"""Pairs whose sides may have a vocabulary each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.generation import examples

if TYPE_CHECKING:
    import pandas as pd
    import transformers

    from scriptorium.generation.examples import Frame


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
        # a start symbol before the first one is no part of a target's length
        super().__init__(table, reads, frame, (longest, longest + len(frame.begin) - 1), writes=writes)
