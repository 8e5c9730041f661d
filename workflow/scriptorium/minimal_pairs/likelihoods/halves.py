"""MASS: each half of a sentence is the fragment in turn, which the decoder writes from left to right while the encoder
reads the other half: a pseudo-log-likelihood (ours).

So a model is asked for what it was trained on: a fragment of half the text, at its beginning or at its end. With the
second half the [SEP] behind it is hidden, which is not scored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from scriptorium.minimal_pairs.decoding import MODEL
from scriptorium.minimal_pairs.sentences import Sentence

__all__ = ["KIND", "MODEL", "scores"]

KIND = "pseudo"


def scores(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sentences: Sequence[Sentence],
    tokens: int,
) -> np.ndarray:
    """The score of every sentence in nats, float64 [sentences]. tokens: largest number of tokens in a batch."""
    found = np.zeros(len(sentences))
    by_length: dict[int, list[int]] = {}
    for number, sentence in enumerate(sentences):
        by_length.setdefault(len(sentence.pieces), []).append(number)
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    with torch.inference_mode():
        for length, members in sorted(by_length.items()):
            rows, middle = max(1, tokens // (length + 2)), 1 + (length + 1) // 2
            for start in range(0, len(members), rows):
                own = members[start : start + rows]
                whole = torch.tensor([[cls, *sentences[number].pieces, sep] for number in own], device=model.device)
                found[own] = _fragment(model, whole, 1, middle, middle, tokenizer.mask_token_id)
                if middle <= length:
                    hidden = length + 2
                    found[own] += _fragment(model, whole, middle, length + 1, hidden, tokenizer.mask_token_id)
    return found


def _fragment(
    model: transformers.PreTrainedModel, whole: torch.Tensor, begin: int, end: int, hidden: int, mask: int
) -> np.ndarray:
    """Log probability of whole[:, begin:end], float64 [B], where whole[:, begin:hidden] is hidden.

    whole [B, L]: sentences between [CLS] and [SEP]. The decoder reads the text up to the fragment too, so that its
    positions are right, but attends only to the token before the fragment and what follows that.
    """
    source, read = whole.clone(), whole[:, : end - 1]
    source[:, begin:hidden] = mask
    seen = torch.zeros_like(read)
    seen[:, begin - 1 :] = 1
    given = model(input_ids=source, decoder_input_ids=read, decoder_attention_mask=seen, use_cache=False)
    written = given.logits[:, begin - 1 :].float().log_softmax(-1)
    return written.gather(2, whole[:, begin:end, None]).double().sum((1, 2)).cpu().numpy()
