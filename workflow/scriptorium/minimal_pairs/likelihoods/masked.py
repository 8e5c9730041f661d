"""Masked language models: a hidden token is replaced by the mask symbol.

BERT, RoBERTa, and MPNet in modes mpnet and mlm: what MPNet predicts first sees all other tokens and a mask at every
hidden place, as a masked language model does (models/mpnet/visibility.py).
"""

from __future__ import annotations

from functools import partial

import torch
import transformers

from scriptorium.minimal_pairs import pseudo

KIND = "pseudo"
MODEL = transformers.AutoModelForMaskedLM


def logits(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    batch: pseudo.Hidden,
) -> torch.Tensor:
    """[B, vocabulary] at the targets; the head sees no other row."""
    masked = batch.ids.masked_fill(batch.hidden, tokenizer.mask_token_id)
    states = model.base_model(masked, attention_mask=torch.ones_like(masked)).last_hidden_state
    return head(model)(batch.at_target(states))


def head(model: transformers.PreTrainedModel) -> torch.nn.Module:
    """The language model's head, by the names that transformers has for it."""
    return model.cls.predictions if hasattr(model, "cls") else model.lm_head


scores = partial(pseudo.scores, logits)
