"""The model of a translation run: an encoder and a decoder from a pre-trained model, and the loss that trains them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.models import dropout
from scriptorium.models.from_checkpoint import copy_weights, shape_of
from scriptorium.models.veco import SAVED, build
from scriptorium.models.veco.translation import VecoForTranslation, translator
from scriptorium.objectives.labels import IGNORED

if TYPE_CHECKING:
    from scriptorium.translation.spec import TranslateSpec

EXAMPLES = 64  # in a batch of `measured`


class Translator(VecoForTranslation):
    """Encoder and decoder that tell their loss when they are given `labels`; without, all is as in transformers.

    smoothing: s of the label smoothing. The loss of a word is (1 - s) times its own negative log-likelihood, plus s
    times the mean of those of all words of the vocabulary (torch's; fairseq gives the label itself a little less).
    """

    smoothing = 0.0

    def forward(self, *arguments: Any, labels: Tensor | None = None, **named: Any) -> Any:
        """With labels [B, T] (-100: none), input_ids and attention_mask [B, S] and decoder_input_ids [B, T]: `loss`,
        the mean over all labels, smoothed in training; in evaluation, where nothing is smoothed, also summed_loss and
        correct [B].
        """
        if labels is None:
            return super().forward(*arguments, **named)
        where = labels != IGNORED
        logits = self.decoder.lm_head(self._states(**named)[where]).float()  # of real words only
        targets = labels[where]
        if self.training:
            return {"loss": functional.cross_entropy(logits, targets, label_smoothing=self.smoothing)}
        losses = functional.cross_entropy(logits, targets, reduction="none")
        right = (logits.argmax(-1) == targets).to(losses)
        summed, correct = (
            losses.new_zeros(where.shape).masked_scatter(where, each).sum(-1) for each in (losses, right)
        )
        return {"loss": losses.mean(), "summed_loss": summed, "correct": correct}

    def _states(self, input_ids: Tensor, attention_mask: Tensor, decoder_input_ids: Tensor) -> Tensor:
        """The decoder's last states [B, T, d]."""
        memory = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return self.decoder.roberta(
            input_ids=decoder_input_ids,
            encoder_hidden_states=memory,
            encoder_attention_mask=attention_mask,
            use_cache=False,
        ).last_hidden_state


def built(
    spec: TranslateSpec, backbone: Path, tokenizer: transformers.PreTrainedTokenizerBase
) -> tuple[Translator, list[str]]:
    """The model of a run, and the names of the backbone's weights that are new, such as those of a cross-attention that
    it does not have. backbone: directory of a saved VECO or XLM-R, or of an encoder of BERT's shape.

    Raises UserError: another kind of model, fewer layers than are asked for, texts longer than it takes.
    """
    shape = shape_of(backbone, SAVED)
    if spec.max_length > shape.max_positions:
        raise UserError(
            f"max_length {spec.max_length} is more than the backbone's {shape.max_positions}",
            where=backbone,
            remedy="lower max_length of the translation",
        )
    if spec.dropout is not None:
        shape = shape.model_copy(update={"dropout": spec.dropout})
    model = build(shape, tokenizer)
    new = ["all"] if spec.reinitialise else copy_weights(model, backbone)
    made = translator(model, spec.decoder_layers, spec.encoder_layers, kind=Translator)
    made.smoothing = spec.label_smoothing
    dropout.use(made)
    return made, new


def measures(predicted: transformers.EvalPrediction) -> dict[str, float]:
    """Held-out measures of what the model tells of every example in evaluation."""
    summed, correct = (float(np.asarray(each, np.float64).sum()) for each in predicted.predictions[:2])
    return _over(summed, correct, int((predicted.label_ids != IGNORED).sum()))


def measured(model: Translator, data: Dataset, collate: Callable) -> dict[str, float]:
    """The same measures of a model, computed here."""
    place, was = next(model.parameters()).device, model.training
    model.eval()
    summed, correct, count = 0.0, 0.0, 0
    for start in range(0, len(data), EXAMPLES):
        batch = collate([data[index] for index in range(start, min(start + EXAMPLES, len(data)))])
        with torch.inference_mode():
            found = model(**{name: value.to(place) for name, value in batch.items()})
        summed, correct = summed + float(found["summed_loss"].sum()), correct + float(found["correct"].sum())
        count += int((batch["labels"] != IGNORED).sum())
    model.train(was)
    return _over(summed, correct, count)


def _over(summed: float, correct: float, count: int) -> dict[str, float]:
    """loss (nats per piece, not smoothed), perplexity, and accuracy of the next piece."""
    return {"loss": summed / count, "perplexity": math.exp(summed / count), "accuracy": correct / count}
