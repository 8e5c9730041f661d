"""ELMo: the sum of two log-likelihoods, each token after those to its left, and before those to its right.

A pseudo-log-likelihood (ours): it counts every token twice and is no probability of the sentence. Both ends are given
and not scored, so that both directions score the same tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import transformers

from scriptorium.minimal_pairs.sentences import Sentence
from scriptorium.models.elmo.language_model import ElmoForLanguageModeling

KIND = "pseudo"
MODEL = ElmoForLanguageModeling


def scores(
    model: ElmoForLanguageModeling,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sentences: Sequence[Sentence],
    tokens: int,
) -> np.ndarray:
    """The score of every sentence in nats, float64 [sentences]. tokens: largest number of tokens in a batch."""
    cls, sep, found = tokenizer.cls_token_id, tokenizer.sep_token_id, np.zeros(len(sentences))
    by_length: dict[int, list[int]] = {}
    for number, sentence in enumerate(sentences):
        by_length.setdefault(len(sentence.pieces), []).append(number)
    with torch.inference_mode():
        for length, members in sorted(by_length.items()):
            rows = max(1, tokens // (length + 2))
            for start in range(0, len(members), rows):
                own = members[start : start + rows]
                ids = torch.tensor([[cls, *sentences[number].pieces, sep] for number in own], device=model.device)
                told = model.predict(ids).float().log_softmax(-1)
                true = ids[:, None, 1:-1, None].expand(-1, 2, -1, -1)
                both = torch.stack([told[:, 0, :-1], told[:, 1, 1:]], 1)
                found[own] = both.gather(3, true).double().sum((1, 2, 3)).cpu().numpy()
    return found
