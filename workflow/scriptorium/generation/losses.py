"""The loss of a model that writes: of its targets alone, smoothed in training; and what is measured of it elsewhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from scriptorium.objectives.labels import IGNORED

if TYPE_CHECKING:
    import transformers

EXAMPLES = 64  # in a batch of what is measured here


class Writes:
    """Beside a model of transformers: it tells its loss when it is given `labels`; without, all is as in transformers.

    smoothing: s of the label smoothing. The loss of a word is (1 - s) times its own negative log-likelihood, plus s
    times the mean of those of all words of the vocabulary (torch's; fairseq gives the label itself a little less).
    """

    smoothing = 0.0

    def forward(self, *arguments: Any, labels: Tensor | None = None, **named: Any) -> Any:
        """With labels [B, T] (-100: none) and the model's inputs by name: `loss`, the mean over all labels, smoothed in
        training; in evaluation, where nothing is smoothed, also summed_loss and correct [B].
        """
        if labels is None:
            return super().forward(*arguments, **named)
        where = labels != IGNORED
        logits = self.told(where, **named).float()
        targets = labels[where]
        if self.training:
            return {"loss": functional.cross_entropy(logits, targets, label_smoothing=self.smoothing)}
        losses = functional.cross_entropy(logits, targets, reduction="none")
        right = (logits.argmax(-1) == targets).to(losses)
        summed, correct = (
            losses.new_zeros(where.shape).masked_scatter(where, each).sum(-1) for each in (losses, right)
        )
        return {"loss": losses.mean(), "summed_loss": summed, "correct": correct}

    def told(self, where: Tensor, **named: Any) -> Tensor:
        """Logits [labels, vocabulary] of the places `where` [B, T] a label stands, from the model's inputs."""
        raise NotImplementedError


def measures(predicted: transformers.EvalPrediction) -> dict[str, float]:
    """Held-out measures of what the model tells of every example in evaluation."""
    summed, correct = (float(np.asarray(each, np.float64).sum()) for each in predicted.predictions[:2])
    return _over(summed, correct, int((predicted.label_ids != IGNORED).sum()))


def measured(model: torch.nn.Module, data: Dataset, collate: Callable) -> dict[str, float]:
    """The same measures of a model, computed here."""
    summed, correct, count = 0.0, 0.0, 0
    for found, pieces in _told_of(model, data, collate):
        summed, correct = summed + float(found["summed_loss"].sum()), correct + float(found["correct"].sum())
        count += int(pieces.sum())
    return _over(summed, correct, count)


def likelihoods(model: torch.nn.Module, data: Dataset, collate: Callable) -> tuple[np.ndarray, np.ndarray]:
    """Of every example: summed loss of its target in nats, float64 [examples], and how many pieces that are."""
    found = [(told["summed_loss"].double().cpu(), pieces) for told, pieces in _told_of(model, data, collate)]
    losses, pieces = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return losses, pieces


def _told_of(model: torch.nn.Module, data: Dataset, collate: Callable) -> Iterator[tuple[Mapping[str, Tensor], Tensor]]:
    """Batch by batch in the order of the data: what the model tells, and the number of labels [B]."""
    place, was = next(model.parameters()).device, model.training
    model.eval()
    for start in range(0, len(data), EXAMPLES):
        batch = collate([data[index] for index in range(start, min(start + EXAMPLES, len(data)))])
        with torch.inference_mode():
            found = model(**{name: value.to(place) for name, value in batch.items()})
        yield found, (batch["labels"] != IGNORED).sum(-1)
    model.train(was)


def _over(summed: float, correct: float, count: int) -> dict[str, float]:
    """loss (nats per piece, not smoothed), perplexity, and accuracy of the next piece."""
    return {"loss": summed / count, "perplexity": math.exp(summed / count), "accuracy": correct / count}
