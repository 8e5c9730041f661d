"""Encoder-decoders: the decoder's log-likelihood of a sentence, each token after those to its left, from a source that
says nothing of it (ours; no paper scores such models so).

What the source is, and what stands before the sentence in the target, is the likelihood's: as near as can be to what
the model was trained on when a text was hidden whole. The end of the sentence is not scored, as for causal models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import transformers

from scriptorium.minimal_pairs.sentences import Sentence

MODEL = transformers.AutoModelForSeq2SeqLM
Frame = Callable[[transformers.PreTrainedTokenizerBase], tuple[list[int], list[int]]]  # source, decoder's first inputs


def scores(
    frame: Frame,
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sentences: Sequence[Sentence],
    tokens: int,
) -> np.ndarray:
    """The score of every sentence in nats, float64 [sentences]. tokens: largest number of tokens in a batch."""
    source, first = frame(tokenizer)
    found = np.zeros(len(sentences))
    by_length: dict[int, list[int]] = {}
    for number, sentence in enumerate(sentences):
        by_length.setdefault(len(sentence.pieces), []).append(number)
    with torch.inference_mode():
        for length, members in sorted(by_length.items()):
            rows = max(1, tokens // (length + len(first)))
            for start in range(0, len(members), rows):
                own = members[start : start + rows]
                pieces = torch.tensor([sentences[number].pieces for number in own], device=model.device)
                before = torch.tensor([first], device=model.device).expand(len(own), -1)
                written = model(
                    input_ids=torch.tensor([source], device=model.device).expand(len(own), -1),
                    decoder_input_ids=torch.cat([before, pieces[:, :-1]], 1),
                    use_cache=False,
                ).logits[:, len(first) - 1 :]
                told = written.float().log_softmax(-1).gather(2, pieces[:, :, None])
                found[own] = told.double().sum((1, 2)).cpu().numpy()
    return found
