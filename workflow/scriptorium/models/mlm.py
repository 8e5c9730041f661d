"""BERT with its masked language model head applied to the predicted positions only."""

from __future__ import annotations

import numpy as np
import torch
import transformers
from torch.nn import functional
from transformers import BertConfig, BertForMaskedLM

from scriptorium.objectives.spec import EncoderSpec


class PackedMaskedLM(BertForMaskedLM):
    """BertForMaskedLM for packed blocks: the same parameters, loss and gradients, about 1 / rate fewer logits."""

    def predict(
        self, input_ids: torch.Tensor, positions: torch.Tensor, document_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Logits [B, K, vocabulary] at `positions` [B, K] of `input_ids` [B, L].

        With `document_ids` [B, L] a token attends only to tokens of its own document (block-diagonal attention).
        """
        mask = None if document_ids is None else (document_ids[:, None, :, None] == document_ids[:, None, None, :])
        hidden = self.bert(input_ids, attention_mask=mask).last_hidden_state
        rows = torch.arange(len(positions), device=positions.device)[:, None]
        return self.cls(hidden[rows, positions])

    def forward(
        self, input_ids: torch.Tensor, positions: torch.Tensor, labels: torch.Tensor,
        document_ids: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:  # fmt: skip
        """`loss`: mean cross entropy over labels [B, K] that are not -100; in evaluation also sums per block [B].

        `summed_loss` and `correct` stand for the logits, which would not fit into memory for a whole set.
        """
        logits = self.predict(input_ids, positions, document_ids).float()
        losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
        losses = losses.view(labels.shape)  # 0 where the label is -100
        outputs = {"loss": losses.sum() / (labels != -100).sum()}
        if not self.training:
            outputs["summed_loss"] = losses.sum(-1)
            outputs["correct"] = (logits.argmax(-1) == labels).sum(-1)
        return outputs

    def start_from(self, log_frequency: np.ndarray) -> None:
        """Set the output bias to log frequencies [vocabulary]: training starts at the unigram loss (ours).

        With small weights the bias alone makes the first predictions, and it takes Adam about a hundred steps to
        learn what counting gives at once.
        """
        with torch.no_grad():
            self.cls.predictions.bias.copy_(torch.from_numpy(log_frequency))

    def plain(self) -> BertForMaskedLM:
        """The same weights as transformers' own class, whose saved directory any BERT class reads."""
        model = BertForMaskedLM(self.config)
        model.load_state_dict(self.state_dict())
        return model


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> PackedMaskedLM:
    """A randomly initialised model (N(0, 0.02), tied decoder) for this tokenizer."""
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions,
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",  # its boolean masks are not additive, as eager attention would take them
    )
    return PackedMaskedLM(config)
