"""MPNet in mode plm: a hidden token is seen by nobody, nor is its place.

What a permuted language model predicts first sees the tokens that are not hidden. Its query is the mask symbol at the
place of the token, and nobody attends to it: a masked input in which hidden places are no keys.
"""

from __future__ import annotations

from functools import partial

import torch
import transformers

from scriptorium.minimal_pairs import pseudo
from scriptorium.minimal_pairs.likelihoods.masked import MODEL, head

__all__ = ["KIND", "MODEL", "logits", "scores"]

KIND = "pseudo"


def logits(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    batch: pseudo.Hidden,
) -> torch.Tensor:
    """[B, vocabulary] at the targets; the head sees no other row."""
    queries = batch.ids.masked_fill(batch.hidden, tokenizer.mask_token_id)
    states = model.base_model(queries, attention_mask=(~batch.hidden).long()).last_hidden_state
    return head(model)(batch.at_target(states))


scores = partial(pseudo.scores, logits)
