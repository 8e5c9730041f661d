"""Text is text: what a user's text spells out is never a special token, and no word of it is lost."""

from __future__ import annotations

from typing import TypeVar

import transformers

Tokenizer = TypeVar("Tokenizer", bound=transformers.PreTrainedTokenizerBase)
# Letters of scripts that hardly any vocabulary has; the first that is unknown stands for what a tokenizer deletes
RARE = "\U00013000\U00012000\U00010980\u2370"


def as_text(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, for which "[SEP]" or "</s>" in a text are only text, as in pre-training (packing.tokenise)."""
    tokenizer.split_special_tokens = True
    return tokenizer


def stand_in(tokenizer: transformers.PreTrainedTokenizerBase) -> str:
    """A letter that the tokenizer reads as unknown; where nothing is unknown to it, one that it does not delete."""
    made = {letter: tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in RARE}
    unknown = [letter for letter, pieces in made.items() if tokenizer.unk_token_id in pieces]
    return (unknown or [letter for letter, pieces in made.items() if pieces] or [RARE[0]])[0]
