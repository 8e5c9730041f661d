"""The vocabulary of our language models: padded for the sake of matrix products, and a bias that may start from word
frequencies (both ours)."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional

MULTIPLE = 64  # of the rows of the vocabulary

Model = TypeVar("Model", bound="PaddedVocabulary")


class Decoder(nn.Linear):
    """States [..., d] -> logits [..., vocabulary], minus infinity for the padding.

    By the bias: logits are the largest tensor of a step, and setting a part of them would copy their gradient.
    """

    padding: int

    def forward(self, states: Tensor) -> Tensor:
        if not self.padding:
            return super().forward(states)
        bias = torch.cat([self.bias[: -self.padding], self.bias.new_full((self.padding,), -math.inf)])
        return functional.linear(states, self.weight, bias)


class PaddedVocabulary:
    """Beside a language model of transformers whose decoder has a bias.

    config.vocab_size counts the padding, config.tokens does not. The padding has probability 0 and no gradient, and
    `plain` cuts it off.
    """

    plain_class: type[transformers.PreTrainedModel]  # transformers' own class with these parameters

    @property
    def tokens(self) -> int:
        """Size of the vocabulary without its padding."""
        return getattr(self.config, "tokens", None) or self.config.vocab_size

    def close_padding(self) -> None:
        """Let the decoder exclude the padding; the parameters stay its own."""
        decoder = self.get_output_embeddings()
        decoder.__class__, decoder.padding = Decoder, self.config.vocab_size - self.tokens

    def start_from(self, log_frequency: np.ndarray) -> None:
        """Set the output bias to log frequencies [tokens]: training starts at the unigram loss.

        With small weights the bias alone makes the first predictions, and it takes Adam about a hundred steps to
        learn what counting gives at once.
        """
        with torch.no_grad():
            self.get_output_embeddings().bias[: len(log_frequency)] = torch.from_numpy(log_frequency)

    def plain(self) -> transformers.PreTrainedModel:
        """The same weights as `plain_class`, without the padding."""
        return self.as_class(self.plain_class)

    def as_class(self, kind: type[transformers.PreTrainedModel]) -> transformers.PreTrainedModel:
        """The same weights as a class whose parameters are among these, without the padding."""
        kept = kind.config_class().to_dict().keys() - {"model_type", "architectures", "transformers_version"}
        values = {name: value for name, value in self.config.to_dict().items() if name in kept}
        model = kind(kind.config_class(**values | {"vocab_size": self.tokens}))
        own = self.state_dict()
        model.load_state_dict({name: own[name][: len(value)] for name, value in model.state_dict().items()})
        return model


def widen(model: Model) -> Model:
    """A new model with its vocabulary padded; the weights are those that transformers' class draws from this seed."""
    model.config.tokens = model.config.vocab_size
    with torch.random.fork_rng(devices=[]):  # it draws what is then set to 0
        model.resize_token_embeddings(padded(model.config.tokens), mean_resizing=False)
    with torch.no_grad():
        model.get_output_embeddings().weight[model.tokens :] = 0
    model.close_padding()
    return model


def padded(tokens: int) -> int:
    """The next multiple of 64."""
    return -(-tokens // MULTIPLE) * MULTIPLE
