"""Prefix language models: the source is an empty beginning, the whole sentence being what follows (ours)."""

from __future__ import annotations

from functools import partial

import transformers

from scriptorium.minimal_pairs import decoding
from scriptorium.minimal_pairs.decoding import MODEL

__all__ = ["KIND", "MODEL", "frame", "scores"]

KIND = "exact"


def frame(tokenizer: transformers.PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """[SEP], and the target behind [PAD]."""
    return [tokenizer.sep_token_id], [tokenizer.pad_token_id]


scores = partial(decoding.scores, frame)
