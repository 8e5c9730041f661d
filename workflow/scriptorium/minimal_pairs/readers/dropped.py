"""Held-out sentences and the same without one of their function words (ours)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.ledger import Ledger
from scriptorium.minimal_pairs import function_words

if TYPE_CHECKING:
    import pandas as pd

    from scriptorium.minimal_pairs.readers.spec import FunctionWordOptions


def read(artifact: Path, options: FunctionWordOptions, ledger: Ledger) -> pd.DataFrame:
    """A pair per sentence that has such a word (minimal_pairs/function_words.py)."""
    return function_words.read(artifact, options, "function word dropped", dropped)


def dropped(words: list[str], place: int) -> list[str]:
    """The words without the one at `place`."""
    return words[:place] + words[place + 1 :]
