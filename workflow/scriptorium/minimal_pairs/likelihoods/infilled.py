"""BART: the source is one mask, the whole sentence being a span that text infilling has hidden (ours).

Of models that were trained with other noises alone it asks for what they have never seen.
"""

from __future__ import annotations

from functools import partial

import transformers

from scriptorium.minimal_pairs import decoding
from scriptorium.minimal_pairs.decoding import MODEL

__all__ = ["KIND", "MODEL", "frame", "scores"]

KIND = "conditional"


def frame(tokenizer: transformers.PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """[CLS] [MASK] [SEP], and the target behind [SEP] [CLS]."""
    cls, mask, sep = tokenizer.cls_token_id, tokenizer.mask_token_id, tokenizer.sep_token_id
    return [cls, mask, sep], [sep, cls]


scores = partial(decoding.scores, frame)
