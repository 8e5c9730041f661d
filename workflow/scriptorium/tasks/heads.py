"""Fine-tuning heads: which model of transformers a task needs, plain or with cognition, and the losses it lacks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import transformers
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from scriptorium.cognition.model import CognitionForSequenceClassification, CognitionForTokenClassification
from scriptorium.errors import UserError
from scriptorium.tasks.kinds.examples import IGNORED

if TYPE_CHECKING:
    from scriptorium.tasks.spec import FinetuneSpec

TOKEN_KINDS = ("tagging", "gaze")
HEADS = {
    "classification": transformers.AutoModelForSequenceClassification,
    "regression": transformers.AutoModelForSequenceClassification,
    "tagging": transformers.AutoModelForTokenClassification,
    "gaze": transformers.AutoModelForTokenClassification,
    "question_answering": transformers.AutoModelForQuestionAnswering,
    "multiple_choice": transformers.AutoModelForMultipleChoice,
}
AFTER_PADDING = ("mpnet", "roberta", "xlm-roberta", "camembert")  # positions count from behind the padding's number


def build(spec: FinetuneSpec, backbone: Path) -> nn.Module:
    """The model of a fine-tuning run. The same seed gives plain and cognitive models the same head.

    Raises UserError if the backbone is too short for the task or not of BERT's shape where cognition is asked for.
    """
    tokens = spec.kind in TOKEN_KINDS
    auto = HEADS[spec.kind]
    config = transformers.AutoConfig.from_pretrained(backbone, local_files_only=True, **_task(spec))
    if spec.max_length > (longest := longest_input(config)):
        raise UserError(
            f"max_length {spec.max_length} is more than the backbone's {longest}",
            where=backbone,
            remedy="lower max_length of the task",
        )
    if spec.reinitialise:
        model = auto.from_config(config)
    else:
        model = auto.from_pretrained(backbone, config=config, local_files_only=True, dtype=torch.float32)
    if spec.cognition is not None:
        wrapper = CognitionForTokenClassification if tokens else CognitionForSequenceClassification
        model = wrapper.wrap(
            model,
            mode=spec.cognition.mode,
            boundary=spec.cognition.boundary,
            layered=spec.cognition.layered,
            flags=spec.cognition.flags,
        )
    return model if spec.gaze_loss is None else WithGazeLoss(model, spec.gaze_loss)


def longest_input(config: transformers.PreTrainedConfig) -> int:
    """Pieces that the backbone has positions for: 512 of RoBERTa's and MPNet's 514; XLNet has no end."""
    if config.max_position_embeddings < 0:
        return sys.maxsize
    reserved = config.pad_token_id + 1 if config.model_type in AFTER_PADDING else 0
    return config.max_position_embeddings - reserved


def loss_of(kind: str) -> Callable[[object, Tensor], Tensor] | None:
    """loss(outputs, labels) of kinds whose padding must be kept out of the softmax; None: the model's own is right."""
    return {"question_answering": span_loss, "multiple_choice": choice_loss}.get(kind)


def span_loss(outputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
    """Mean of the cross-entropies of the first and the last piece; labels [B, 3]: both, and the number of pieces.

    Padding takes no part (ours), so that the loss of a window does not depend on the batch that it is in; the models
    of transformers let it compete.
    """
    first, last, pieces = labels.unbind(-1)
    ends = ((outputs["start_logits"], first), (outputs["end_logits"], last))
    return sum(nn.functional.cross_entropy(_without_padding(logits, pieces), place) for logits, place in ends) / 2


def choice_loss(outputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
    """Cross-entropy over the options that there are; labels [B, 2]: the right one, and how many."""
    right, options = labels.unbind(-1)
    return nn.functional.cross_entropy(_without_padding(outputs["logits"], options), right)


def _without_padding(logits: Tensor, counts: Tensor) -> Tensor:
    """[B, n] float32, in row b minus infinity from counts[b] on."""
    behind = torch.arange(logits.shape[-1], device=logits.device) >= counts[:, None]
    return logits.float().masked_fill(behind, float("-inf"))


def _task(spec: FinetuneSpec) -> dict[str, object]:
    """What the head must know: classes by name, or one output per measured value."""
    if spec.kind == "question_answering":
        return {"num_labels": 2}  # beginning and end
    if spec.kind == "multiple_choice":
        return {}
    if spec.kind == "regression":
        return {"num_labels": 1, "problem_type": "regression"}
    names = dict(enumerate(spec.labels))
    named = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    if spec.kind == "classification":
        named["problem_type"] = "single_label_classification"
    return named


@dataclass(frozen=True)
class Units:
    """Mean and standard deviation of every measure over the training words, [m] each.

    A token regression head gives its output in these units (ours): its weights start near 0 and move by about the
    learning rate per step, so that measures of 0 to 100 would otherwise take hundreds of steps to reach.
    """

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, labels: Iterable[np.ndarray]) -> Units:
        """labels: per sentence [words, m]."""
        values = np.concatenate([np.stack([np.asarray(row, np.float64) for row in label]) for label in labels])
        return cls(values.mean(0).astype(np.float32), np.maximum(values.std(0), 1e-6).astype(np.float32))

    def measured(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs [..., m] as measures."""
        return outputs * self.deviation + self.mean

    def loss(self, outputs: object, labels: Tensor) -> Tensor:
        """Mean squared error at the labelled pieces, in measures; labels [B, L, m], IGNORED where there is none.

        transformers has no token regression; this is what Hollenstein et al. 2021 train with (docs/papers/cogbert.md
        section 8.3).
        """
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs.logits
        scored = (labels != IGNORED).all(-1)
        deviation, mean = (torch.from_numpy(v).to(logits) for v in (self.deviation, self.mean))
        return nn.functional.mse_loss(logits[scored] * deviation + mean, labels[scored].to(logits.dtype))

    def fold_into(self, head: nn.Linear) -> None:
        """Let the head give measures by itself: what a saved model should do."""
        deviation, mean = (torch.from_numpy(v).to(head.weight) for v in (self.deviation, self.mean))
        with torch.no_grad():
            head.weight *= deviation[:, None]
            head.bias.mul_(deviation).add_(mean)


class WithGazeLoss(nn.Module):
    """Baseline: the plain classifier, whose encoder must also predict how often each word is fixated (training only).

    Deng et al., ACL 2024 (docs/papers/cogbert.md section 13b): loss = text loss + w * gaze loss over a shared
    encoder, and
    nothing at inference. Theirs predicts scanpaths made by Eyettention; ours, with what stage 1 gives, the fixation
    counts of the task's own words at their pieces, by mean squared error.
    """

    def __init__(self, plain: transformers.PreTrainedModel, weight: float):
        super().__init__()
        self.plain, self.weight = plain, weight
        with torch.random.fork_rng(devices=[]):  # the text head and dropout stay the plain run's
            self.gaze = nn.Linear(plain.config.hidden_size, 1)

    @property
    def config(self) -> transformers.PreTrainedConfig:
        return self.plain.config

    def forward(self, n_fix: Tensor, labels: Tensor | None = None, **inputs: Tensor) -> SequenceClassifierOutput:
        """n_fix: [B, L] fixations of each piece's word, NaN on specials and padding; the rest as the plain model's."""
        if not self.training:
            return self.plain(**inputs, labels=labels)
        out = self.plain(**inputs, labels=labels, output_hidden_states=True)
        scored = n_fix.isfinite()
        predicted = self.gaze(out.hidden_states[-1]).squeeze(-1)
        gaze = nn.functional.mse_loss(predicted[scored], n_fix[scored].to(predicted.dtype))
        return SequenceClassifierOutput(loss=out.loss + self.weight * gaze, logits=out.logits)
