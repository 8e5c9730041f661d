"""ELMo in pre-training: every token from those to its left, and every token from those to its right."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import transformers
from torch import Tensor, nn

from scriptorium.models import dropout
from scriptorium.models.elmo.model import ElmoConfig, ElmoModel, ElmoPreTrained
from scriptorium.models.mlm import outcome
from scriptorium.models.unbiased import Unbiased


class ElmoForLanguageModeling(Unbiased, ElmoPreTrained):
    """Both language models under one softmax, tied to the embeddings."""

    _tied_weights_keys = {"lm_head.weight": "elmo.embeddings.weight"}
    monitored = False  # in training, too, say how many predictions are correct

    def __init__(self, config: ElmoConfig):
        super().__init__(config)
        self.elmo = ElmoModel(config)
        self.lm_head = nn.Linear(config.hidden_size // 2, config.vocab_size, bias=False)
        self.post_init()
        dropout.use(self)

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head

    def set_output_embeddings(self, value: nn.Linear) -> None:
        self.lm_head = value

    def predict(self, input_ids: Tensor, document_ids: Tensor | None = None) -> Tensor:
        """Logits [B, 2, L - 1, tokens]; see `forward`."""
        return self._logits(input_ids, document_ids)[..., : self.tokens]

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        document_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """See `outcome`; labels [B, 2 (L - 1)]: of the forward model the tokens from the second on, then of the
        backward model those up to the last but one.

        input_ids [B, L], document_ids [B, L]: the document of a token, -1 of padding; none: there is one. A document
        that begins inside of a row begins with the symbol config.bos_token_id, in the place of the token before it, as
        a row does; the backward model begins with its last token. attention_mask is for those who count tokens.
        """
        logits = self._logits(input_ids, document_ids).flatten(1, 2)
        return outcome(logits, labels, counted=self.monitored or not self.training)

    def _logits(self, input_ids: Tensor, document_ids: Tensor | None) -> Tensor:
        texts = torch.zeros_like(input_ids) if document_ids is None else document_ids
        begins = texts[:, 1:] != texts[:, :-1]
        before = input_ids[:, :-1].masked_fill(begins, self.config.bos_token_id)
        states = torch.stack(self.elmo.layers(before, input_ids[:, 1:], texts[:, 1:])[-1], 1)
        return self.logits(self.elmo.dropout(states))

    def forward_flops(self, batch: Mapping[str, Tensor]) -> float:
        """Matrix products of the forward pass over a batch (engine/flops.py); padding is counted as a text, and so is
        the gradient of the state that a text begins with, which nobody needs."""
        config, (examples, length) = self.config, batch["input_ids"].shape
        width, cells = config.hidden_size // 2, config.intermediate_size
        layer = 2 * (
            2 * width * 4 * cells + cells * width
        )  # of a token, in one direction: gates, and what is handed on
        read = 2 * examples * (length - 1)
        return read * (config.num_hidden_layers * layer + 2 * width * config.vocab_size)


ElmoForLanguageModeling.plain_class = ElmoForLanguageModeling

transformers.AutoConfig.register(ElmoConfig.model_type, ElmoConfig)
transformers.AutoModel.register(ElmoConfig, ElmoModel)
transformers.AutoModelForPreTraining.register(ElmoConfig, ElmoForLanguageModeling)
