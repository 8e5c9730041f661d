"""VECO plugged in: the label of x from [H_x; S_x], of y from [H_y; S_y] (docs/papers/veco.md section 4.2).

x is a text, y its translation; S reads the last layer of the other side's H through the cross-attention. The heads are
XLM-R's own, twice as wide, one for both sides. A text without a translation is its own other side (ours): so the same
weights and a head of the same width serve, where H alone would leave half of the head without input.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Self

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import (
    QuestionAnsweringModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)
from transformers.models.xlm_roberta.modeling_xlm_roberta import (
    XLMRobertaClassificationHead,
    XLMRobertaPreTrainedModel,
)

from scriptorium.errors import UserError
from scriptorium.models.veco.model import VecoConfig, VecoModel


class PlugInConfig(VecoConfig):
    """VECO's configuration, and how a label is predicted."""

    model_type = "scriptorium-veco-plug-in"

    predicts: str = "x"  # from x alone, or "mean": from the mean of both sides' logits


class PlugIn(XLMRobertaPreTrainedModel):
    """The encoder with its cross-attentions, under a head that a subclass adds."""

    config_class = PlugInConfig
    config: PlugInConfig
    _no_split_modules = ("XLMRobertaEmbeddings", "VecoLayer")

    def __init__(self, config: PlugInConfig):
        super().__init__(config)
        if not config.plug_in:
            raise _without_cross_attention(config.name_or_path)
        self.roberta = VecoModel(config, add_pooling_layer=False)

    @classmethod
    def of(cls, backbone: Path, *, predicts: str, new: bool, **head: Any) -> Self:
        """A model on a saved VECO encoder, or with `new` on random weights of its shape; head: of the configuration.

        Raises UserError for a backbone without cross-attention.
        """
        config = PlugInConfig.from_pretrained(
            backbone, local_files_only=True, trust_remote_code=False, predicts=predicts, **head
        )
        if new:
            return cls(config)
        model, found = cls.from_pretrained(
            backbone,
            config=config,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
        if any("cross_attention" in name for name in found["missing_keys"]):
            raise _without_cross_attention(backbone)
        return model

    def of_pieces(
        self, input_ids: Tensor, attention_mask: Tensor, other_ids: Tensor | None, other_mask: Tensor | None
    ) -> Tensor:
        """[H_x; S_x] of every piece of x, [B, L, 2d]; y gives keys and values alone."""
        h_x = self.roberta(input_ids, attention_mask).last_hidden_state
        h_y, y_mask = h_x, attention_mask
        if other_ids is not None:
            h_y, y_mask = self.roberta(other_ids, other_mask).last_hidden_state, other_mask
        s_x = self.roberta(
            input_ids, attention_mask, encoder_hidden_states=h_y, encoder_attention_mask=y_mask
        ).last_hidden_state
        return torch.cat([h_x, s_x], -1)


class PlugInForSequenceClassification(PlugIn):
    """One label per text, or pair of texts."""

    def __init__(self, config: PlugInConfig):
        super().__init__(config)
        wide = copy.deepcopy(config)
        wide.hidden_size *= 2
        self.classifier = XLMRobertaClassificationHead(wide)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        other_ids: Tensor | None = None,
        other_mask: Tensor | None = None,
        labels: Tensor | None = None,
        other_labels: Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """logits [B, classes] of x, or the mean of both sides'.

        input_ids [B, L], other_ids [B, M]: x and y; the masks are 0 at padding. labels, other_labels [B]: of x and of
        y, -100 where there is none. loss: the mean over all labels that there are, those of y weighing as much (ours).
        """
        if other_ids is None:
            other_ids, other_mask = input_ids, attention_mask
        of_x, of_y = self.roberta.plug_in(input_ids, attention_mask, other_ids, other_mask)
        logits, others = self.classifier(of_x), self.classifier(of_y)
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits, labels, reduction="sum")
            if other_labels is None:
                other_labels = torch.full_like(labels, IGNORED)
            loss = loss + functional.cross_entropy(others, other_labels, reduction="sum")
            loss = loss / ((labels != IGNORED).sum() + (other_labels != IGNORED).sum())
        return SequenceClassifierOutput(
            loss=loss, logits=(logits + others) / 2 if self.config.predicts == "mean" else logits
        )


class PlugInForTokenClassification(PlugIn):
    """A label per word of x; the words of y have none, and are keys and values alone (ours)."""

    def __init__(self, config: PlugInConfig):
        super().__init__(config)
        rate = config.classifier_dropout
        self.dropout = nn.Dropout(config.hidden_dropout_prob if rate is None else rate)
        self.classifier = nn.Linear(2 * config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        other_ids: Tensor | None = None,
        other_mask: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> TokenClassifierOutput:
        """logits [B, L, tags] of x; labels [B, L], -100 where a piece has none. The rest as above."""
        features = self.of_pieces(input_ids, attention_mask, other_ids, other_mask)
        logits = self.classifier(self.dropout(features))
        loss = None if labels is None else functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(loss=loss, logits=logits)


class PlugInForQuestionAnswering(PlugIn):
    """Where an answer begins and ends in x; y has none, and is keys and values alone (ours)."""

    def __init__(self, config: PlugInConfig):
        super().__init__(config)
        self.qa_outputs = nn.Linear(2 * config.hidden_size, 2)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        other_ids: Tensor | None = None,
        other_mask: Tensor | None = None,
    ) -> QuestionAnsweringModelOutput:
        """start_logits, end_logits [B, L]. x and y are question and passage, as above."""
        scores = self.qa_outputs(self.of_pieces(input_ids, attention_mask, other_ids, other_mask))
        start, end = scores.unbind(-1)
        return QuestionAnsweringModelOutput(start_logits=start, end_logits=end)


IGNORED = -100  # label of what has none
sequence, token, span = PlugInForSequenceClassification, PlugInForTokenClassification, PlugInForQuestionAnswering

transformers.AutoConfig.register(PlugInConfig.model_type, PlugInConfig)
transformers.AutoModelForSequenceClassification.register(PlugInConfig, PlugInForSequenceClassification)
transformers.AutoModelForTokenClassification.register(PlugInConfig, PlugInForTokenClassification)
transformers.AutoModelForQuestionAnswering.register(PlugInConfig, PlugInForQuestionAnswering)


def _without_cross_attention(backbone: object) -> UserError:
    return UserError(
        "this encoder has no cross-attention to plug in",
        where=backbone,
        remedy="take a backbone that VECO pre-trained with objective.paired.weights.ca above 0, or leave out plug_in",
    )
