"""XLNet: the hidden tokens are the last of the permutation, and the one that is asked for is the first of these."""

from __future__ import annotations

from functools import partial

import torch
import transformers

from scriptorium.minimal_pairs import pseudo
from scriptorium.models.xlnet import blocked

KIND = "pseudo"
MODEL = transformers.XLNetLMHeadModel


def logits(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    batch: pseudo.Hidden,
) -> torch.Tensor:
    """[B, vocabulary] at the targets. [CLS] and [SEP] have the first places of the permutation, as in training."""
    places = torch.arange(batch.ids.shape[1], device=batch.ids.device).expand_as(batch.ids)
    order = torch.where(batch.hidden, places + 2, -1)  # hidden tokens from left to right, the target first
    order[:, 0], order[:, -1] = 0, 1
    mapping = torch.nn.functional.one_hot(batch.target[:, None], batch.ids.shape[1])
    states = model.transformer(
        batch.ids,
        perm_mask=blocked(order).to(model.dtype),
        target_mapping=mapping.to(model.dtype),
        use_mems=False,
    ).last_hidden_state
    return model.lm_loss(states[:, 0])


scores = partial(pseudo.scores, logits)
