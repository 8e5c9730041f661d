"""Held-out sentences and the same with one of their function words twice (ours)."""

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
    return function_words.read(artifact, options, "function word doubled", doubled)


def doubled(words: list[str], place: int) -> list[str]:
    """The words with the one at `place` twice."""
    return words[: place + 1] + words[place:]
