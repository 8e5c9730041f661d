"""Pseudo-log-likelihood: how likely a sentence is to a model that predicts hidden tokens from all others.

Each token is hidden in turn and its log probability taken; the sum over the sentence is its score. With the correction
of Kauf and Ivanova (2023, "PLL-word-l2r") the pieces of the same word to its right are hidden with it: otherwise the
rest of a rare word gives its first piece away. A word is what the tokenizer's pre-tokenizer splits off; [CLS] and [SEP]
stand around the sentence and are not scored (ours).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import transformers
from torch import Tensor

from scriptorium.minimal_pairs.sentences import Sentence


@dataclass(frozen=True)
class Hidden:
    """A batch of sentences with hidden tokens, each with one that is asked for (B rows, all of length L).

    ids [B, L], all of them true · hidden bool [B, L] · target [B], the position that is asked for; it is hidden.
    Rows are of equal length, so there is no padding.
    """

    ids: Tensor
    hidden: Tensor
    target: Tensor

    @property
    def true(self) -> Tensor:
        """The tokens that are asked for, [B]."""
        return self.ids.gather(1, self.target[:, None])[:, 0]

    def at_target(self, states: Tensor) -> Tensor:
        """[B, L, d] -> [B, d]."""
        return states[torch.arange(len(states), device=states.device), self.target]


Logits = Callable[[transformers.PreTrainedModel, transformers.PreTrainedTokenizerBase, Hidden], Tensor]


def scores(
    logits: Logits,
    model: transformers.PreTrainedModel,
    tokenizer: transformers.PreTrainedTokenizerBase,
    sentences: Sequence[Sentence],
    tokens: int,
) -> np.ndarray:
    """The score of every sentence in nats, float64 [sentences].

    logits: (model, tokenizer, batch) -> [B, vocabulary] at the targets. tokens: largest number of tokens in a batch.
    """
    found = np.zeros(len(sentences))
    with torch.inference_mode():
        for owners, batch in batches(sentences, tokenizer, tokens, model.device):
            predicted = logits(model, tokenizer, batch).float().log_softmax(-1)
            own = predicted.gather(1, batch.true[:, None])[:, 0]
            np.add.at(found, owners, own.double().cpu().numpy())
    return found


def batches(
    sentences: Sequence[Sentence],
    tokenizer: transformers.PreTrainedTokenizerBase,
    tokens: int,
    device: torch.device | str = "cpu",
) -> Iterator[tuple[np.ndarray, Hidden]]:
    """(number of the sentence of every row [B], batch): a row for every piece, sentences of one length together."""
    by_length: dict[int, list[int]] = {}
    for number, sentence in enumerate(sentences):
        by_length.setdefault(len(sentence.pieces), []).append(number)
    for length, members in sorted(by_length.items()):
        ids = np.array([_framed(tokenizer, sentences[number].pieces) for number in members])
        words = np.array([sentences[number].words for number in members])
        own, place = np.divmod(np.arange(len(members) * length), length)
        rows = max(1, tokens // (length + 2))
        for start in range(0, len(own), rows):
            which, at = own[start : start + rows], place[start : start + rows]
            hidden = words[which] == words[which, at][:, None]
            hidden &= np.arange(length) >= at[:, None]
            yield (
                np.array(members)[which],
                Hidden(
                    torch.from_numpy(ids[which]).to(device),
                    torch.from_numpy(np.pad(hidden, ((0, 0), (1, 1)))).to(device),
                    torch.from_numpy(at + 1).to(device),
                ),
            )


def _framed(tokenizer: transformers.PreTrainedTokenizerBase, pieces: Sequence[int]) -> list[int]:
    return [tokenizer.cls_token_id, *pieces, tokenizer.sep_token_id]
