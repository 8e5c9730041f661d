"""Language models whose head is the decoder alone, without a bias of its own: GPT-2, LLaMA, T5, BART."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from scriptorium.models.vocabulary import PaddedVocabulary


class Unbiased(PaddedVocabulary):
    """Beside a language model of transformers: its vocabulary is padded, and `logits` closes the padding."""

    def close_padding(self) -> None:
        """The decoder stays as it is; `logits` is used instead of calling it."""

    def logits(self, states: Tensor, bias: Tensor | None = None) -> Tensor:
        """States [..., d] -> [..., vocabulary], minus infinity for the padding; bias [tokens], if there is one."""
        weight = self.get_output_embeddings().weight
        if padding := len(weight) - self.tokens:
            known = weight.new_zeros(self.tokens) if bias is None else bias
            bias = torch.cat([known, known.new_full((padding,), -math.inf)])
        return functional.linear(states, weight, bias)
