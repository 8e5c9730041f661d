"""Causal language models: the log-likelihood, each token after those to its left.

The first token stands behind the symbol that begins a text; the end of the text is not scored (ours).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.minimal_pairs.sentences import Sentence

KIND = "exact"
MODEL = transformers.AutoModelForCausalLM


def scores(
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sentences: Sequence[Sentence],
    tokens: int,
) -> np.ndarray:
    """The score of every sentence in nats, float64 [sentences]. tokens: largest number of tokens in a batch.

    Raises UserError: the tokenizer has no symbol that begins a text.
    """
    first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.cls_token_id
    if first is None:
        raise UserError("this tokenizer has no symbol that begins a text", remedy="give it a bos_token")
    found = np.zeros(len(sentences))
    by_length: dict[int, list[int]] = {}
    for number, sentence in enumerate(sentences):
        by_length.setdefault(len(sentence.pieces), []).append(number)
    with torch.inference_mode():
        for length, members in sorted(by_length.items()):
            rows = max(1, tokens // (length + 1))
            for start in range(0, len(members), rows):
                own = members[start : start + rows]
                ids = torch.tensor([[first, *sentences[number].pieces] for number in own], device=model.device)
                predicted = model(ids).logits[:, :-1].float().log_softmax(-1)
                found[own] = predicted.gather(2, ids[:, 1:, None]).double().sum((1, 2)).cpu().numpy()
    return found
