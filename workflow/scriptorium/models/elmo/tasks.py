"""ELMo under the head of a task: gamma * sum of softmax(w)_k h_k over the embeddings and all layers, learned there.

Support: AllenNLP's ScalarMix and Elmo (docs/papers/objectives.md section 13): gamma begins at 1 and all w at 0, without
layer norm, and the language model stays as it is (requires_grad false). There the mix is the input of a task's own
architecture; ours has none: one linear layer on the mix of a token, or on the mean of a text's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import SequenceClassifierOutput, TokenClassifierOutput

from scriptorium.models.dropout import Dropout
from scriptorium.models.elmo.model import ElmoConfig, ElmoModel, ElmoPreTrained


class Mix(nn.Module):
    """The weighted sum of layers, [..., d] each."""

    def __init__(self, layers: int):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(1))

    def forward(self, layers: Sequence[Tensor]) -> Tensor:
        shares = self.weights.softmax(0)
        return self.gamma * sum(share * layer for share, layer in zip(shares, layers, strict=True))


class _UnderHead(ElmoPreTrained):
    """The mix, and a linear layer that a subclass calls."""

    def __init__(self, config: ElmoConfig):
        super().__init__(config)
        self.elmo = ElmoModel(config)
        self.mix = Mix(config.num_hidden_layers + 1)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()
        self.train()

    def train(self, mode: bool = True) -> ElmoPreTrained:
        """Loading ends with this call, and it makes every parameter one with a gradient before; a frozen language model
        has neither gradients nor dropout."""
        super().train(mode)
        if self.config.frozen:
            self.elmo.requires_grad_(False).eval()
        return self

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, Mix):
            nn.init.zeros_(module.weights)
            nn.init.ones_(module.gamma)
        else:
            super()._init_weights(module)

    def mixed(self, input_ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """[B, L, d]."""
        return self.mix(self.elmo(input_ids, attention_mask, output_hidden_states=True).hidden_states)


class ElmoForTokenClassification(_UnderHead):
    """A label for every token [B, L]."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **_: object
    ) -> TokenClassifierOutput:
        logits = self.classifier(self.dropout(self.mixed(input_ids, attention_mask)))
        loss = None if labels is None else functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(loss=loss, logits=logits)


class ElmoForSequenceClassification(_UnderHead):
    """A label for every text, from the mean over its tokens; a number if config.num_labels is 1."""

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, labels: Tensor | None = None, **_: object
    ) -> SequenceClassifierOutput:
        real = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        states = self.mixed(input_ids, real) * real[..., None]
        logits = self.classifier(self.dropout(states.sum(1) / real.sum(1, keepdim=True)))
        loss = None
        if labels is not None and self.config.num_labels == 1:
            loss = functional.mse_loss(logits[:, 0], labels.to(logits.dtype).flatten())
        elif labels is not None:
            loss = functional.cross_entropy(logits, labels.flatten())
        return SequenceClassifierOutput(loss=loss, logits=logits)


transformers.AutoModelForTokenClassification.register(ElmoConfig, ElmoForTokenClassification)
transformers.AutoModelForSequenceClassification.register(ElmoConfig, ElmoForSequenceClassification)
