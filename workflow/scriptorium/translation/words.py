"""How BLEU finds words in a language."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scriptorium.translation.spec import Direction

TOKENIZERS = {"zh": "zh", "ja": "char", "ko": "char", "th": "char"}  # sacrebleu's for ja and ko need other packages


def tokenizer_of(direction: Direction) -> str:
    """The name of sacrebleu's tokenizer for a direction."""
    return direction.tokenize or TOKENIZERS.get(direction.target.partition("-")[0], "13a")
