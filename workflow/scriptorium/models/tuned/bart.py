"""BART's body under the heads of labelled tasks: the same text is the encoder's input and, behind the symbol that a
decoder's input begins with, the decoder's (docs/papers/objectives.md section 2).

So the decoder's state at the place of a token has read all of the text, and of the decoder's own input what stands
before that token: the state by which pre-training predicts it. The paper does not say which of the two places "the
state of a token" is; this is that of transformers' classes, whose parameters these have. They give the loss and the
logits alone.
"""

from __future__ import annotations

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional
from transformers import BartConfig, BartForQuestionAnswering, BartForSequenceClassification
from transformers.modeling_outputs import QuestionAnsweringModelOutput, SequenceClassifierOutput, TokenClassifierOutput
from transformers.models.bart.modeling_bart import BartModel, BartPreTrainedModel


class BartSequence(BartForSequenceClassification):
    """One label, or number, per text or pair of texts, from the state at the last token.

    transformers' class looks for the last symbol that ends a text instead, and refuses a batch whose texts have not
    equally many of it.
    """

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None):
        """logits [B, classes], of `input_ids` [B, L] whose padding, 0 in `attention_mask`, stands behind."""
        states = self.model(input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        last = attention_mask.sum(-1) - 1
        logits = self.classification_head(states[torch.arange(len(states), device=states.device), last])
        loss = None
        if labels is not None:
            regression = self.config.problem_type == "regression"
            loss = functional.mse_loss(logits[:, 0], labels) if regression else functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


class BartTokens(BartPreTrainedModel):
    """A label per word, from the state at its first piece. transformers has no such class."""

    def __init__(self, config: BartConfig):
        super().__init__(config)
        self.model = BartModel(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        self.classifier = nn.Linear(config.d_model, config.num_labels)
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None):
        """logits [B, L, classes]; labels [B, L], -100 where a piece has none."""
        states = self.model(input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        logits = self.classifier(self.dropout(states))
        loss = None if labels is None else functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(loss=loss, logits=logits)


class BartSpans(BartForQuestionAnswering):
    """The beginning and the end of an answer, from the states at all tokens."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor):
        """start_logits, end_logits [B, L]; the loss is the task's (tasks/losses.py)."""
        states = self.model(input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
        first, last = self.qa_outputs(states).unbind(-1)
        return QuestionAnsweringModelOutput(start_logits=first, end_logits=last)


HEADS = {
    transformers.AutoModelForSequenceClassification: BartSequence,
    transformers.AutoModelForTokenClassification: BartTokens,
    transformers.AutoModelForQuestionAnswering: BartSpans,
}
