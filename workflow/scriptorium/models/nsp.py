"""BERT with both of its heads: the masked language model's on the predicted positions only, and next-sentence
prediction on [CLS] (docs/papers/objectives.md section 1)."""

from __future__ import annotations

import torch
import transformers
from torch.nn import functional
from transformers import BertForPreTraining

from scriptorium.models.mlm import SAVED, Masked, RowsLayer, config_of, encode, outcome
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import widen

__all__ = ["SAVED", "PairBert", "build"]


class PairBert(Masked, BertForPreTraining):
    """BertForPreTraining on sentence pairs: the same parameters, losses and gradients, fewer logits."""

    _no_split_modules = ("BertEmbeddings", "RowsLayer")
    rows_layer, head, plain_class = RowsLayer, "cls", BertForPreTraining
    forward_flops = None  # the second head's products are not in the closed form: torch's counter finds them

    def predict(
        self,
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        token_type_ids: torch.Tensor,
        attention_mask: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits [B, K, tokens] at `positions` [B, K] of `input_ids` [B, L], and [B, 2] of next-sentence prediction,
        where 0 means: the second sentence follows the first."""
        logits, answers = self._both(input_ids, positions, token_type_ids, attention_mask)
        return logits[..., : self.tokens], answers

    def forward(
        self,
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        labels: torch.Tensor,
        token_type_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        next_sentence_label: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """`loss`: the mean over the predicted tokens plus the mean over the pairs; labels [B, K], with -100 in unused
        slots, next_sentence_label [B, 1].

        In evaluation also the sums per block of `mlm.outcome`, and `nsp_loss`, `nsp_correct` and `nsp_label`, all [B].
        """
        logits, answers = self._both(input_ids, positions, token_type_ids, attention_mask)
        outputs = outcome(logits, labels, counted=self.monitored or not self.training)
        label = next_sentence_label.flatten()
        losses = functional.cross_entropy(answers.float(), label, reduction="none")
        outputs["loss"] = outputs["loss"] + losses.mean()
        if not self.training:
            outputs |= {"nsp_loss": losses, "nsp_correct": answers.argmax(-1) == label, "nsp_label": label}
        return outputs

    def _both(
        self,
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        token_type_ids: torch.Tensor,
        attention_mask: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = functional.pad(positions, (1, 0))  # [CLS] stands first
        hidden = encode(self.bert, input_ids, rows, None, attention_mask, token_type_ids=token_type_ids)
        return self.cls(hidden[:, 1:], self.bert.pooler(hidden))


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> PairBert:
    """A randomly initialised model for this tokenizer."""
    return widen(PairBert(config_of(spec, tokenizer)))
