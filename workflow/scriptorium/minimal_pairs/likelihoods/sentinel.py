"""T5: the source is one sentinel, the whole sentence being the span that it stands for (ours)."""

from __future__ import annotations

from functools import partial

import transformers

from scriptorium.minimal_pairs import decoding
from scriptorium.minimal_pairs.decoding import MODEL
from scriptorium.text import sentinels

__all__ = ["KIND", "MODEL", "frame", "scores"]

KIND = "conditional"


def frame(tokenizer: transformers.PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """<extra_id_0> [SEP], and the target behind [PAD] <extra_id_0>."""
    first = sentinels.of(tokenizer)[0]
    return [first, tokenizer.sep_token_id], [tokenizer.pad_token_id, first]


scores = partial(decoding.scores, frame)
