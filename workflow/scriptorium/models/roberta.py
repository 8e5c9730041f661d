"""RoBERTa with its masked language model head applied to the predicted positions only.

Positions count from the padding symbol's number + 1, as in fairseq; there are no segments. Epsilon of the layer norms
is fairseq's 1e-5 (papers/mpnet_and_zoo section 7 says it of MPNet, which was trained with the same code).
"""

from __future__ import annotations

import numpy as np
import torch
import transformers
from transformers import RobertaConfig, RobertaForMaskedLM
from transformers.models.roberta.modeling_roberta import RobertaLayer

from scriptorium.models import dropout
from scriptorium.models.mlm import RowsLayer, encode, outcome
from scriptorium.objectives.spec import EncoderSpec


class RobertaRowsLayer(RobertaLayer):
    """RoBERTa's layer is BERT's, under names of its own."""

    forward = RowsLayer.forward


class MaskedRoberta(RobertaForMaskedLM):
    """RobertaForMaskedLM on blocks: the same parameters, loss and gradients, fewer logits."""

    _no_split_modules = ("RobertaEmbeddings", "RobertaRowsLayer")
    monitored = False  # in training, too, say how many predictions are correct

    def __init__(self, config: RobertaConfig):
        super().__init__(config)
        for layer in self.roberta.encoder.layer:
            layer.__class__ = RobertaRowsLayer
        dropout.use(self)

    def predict(
        self, input_ids: torch.Tensor, positions: torch.Tensor, document_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """Logits [B, K, vocabulary] at `positions` [B, K] of `input_ids` [B, L]; see `mlm.encode`."""
        return self.lm_head(encode(self.roberta, input_ids, positions, document_ids, attention_mask))

    def forward(
        self, input_ids: torch.Tensor, positions: torch.Tensor, labels: torch.Tensor,
        document_ids: torch.Tensor | None = None, attention_mask: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:  # fmt: skip
        """See `mlm.outcome`."""
        logits = self.predict(input_ids, positions, document_ids, attention_mask)
        return outcome(logits, labels, counted=self.monitored or not self.training)

    def start_from(self, log_frequency: np.ndarray) -> None:
        """Set the output bias to log frequencies [vocabulary]: training starts at the unigram loss (ours)."""
        with torch.no_grad():
            self.lm_head.bias.copy_(torch.from_numpy(log_frequency))

    def plain(self) -> RobertaForMaskedLM:
        """The same weights as transformers' own class."""
        model = RobertaForMaskedLM(self.config)
        model.load_state_dict(self.state_dict())
        return model


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> MaskedRoberta:
    """A randomly initialised model (N(0, 0.02), tied decoder) for this tokenizer."""
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions + tokenizer.pad_token_id + 1,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        attn_implementation="sdpa",
    )
    return MaskedRoberta(config)
