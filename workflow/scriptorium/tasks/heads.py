"""The model of a fine-tuning run: an encoder, or another body, with the head of the task; an encoder's plain or with
cognition or a gaze loss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import transformers
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from scriptorium import named
from scriptorium.cognition.model import CognitionForSequenceClassification, CognitionForTokenClassification
from scriptorium.errors import UserError
from scriptorium.models.positions import longest_input
from scriptorium.tasks.body import body_of
from scriptorium.tasks.kind import kind_of

if TYPE_CHECKING:
    from scriptorium.tasks.spec import FinetuneSpec

PLUG_IN = "scriptorium.models.plug_in"


def build(spec: FinetuneSpec, backbone: Path, scale: Sequence[float] | None = None) -> nn.Module:
    """The model of a fine-tuning run. The same seed gives plain and cognitive models the same head.

    scale: by which the eight features are multiplied.

    Raises UserError if the backbone is too short for the task, not of the body that the specification names, not of
    BERT's shape where cognition is asked for, or without cross-attention where plug-in is.
    """
    kind, body = kind_of(spec.kind), body_of(spec.body)
    head = kind.head_settings(spec.labels)
    config = transformers.AutoConfig.from_pretrained(backbone, local_files_only=True, trust_remote_code=False, **head)
    body.check(config, backbone)
    config.update(body.settings(spec, backbone))
    if spec.max_length > (longest := longest_input(config)):
        raise UserError(
            f"max_length {spec.max_length} is more than the backbone's {longest}",
            where=backbone,
            remedy="lower max_length of the task",
        )
    if spec.plug_in is not None:
        heads = named.load(PLUG_IN, spec.plug_in.encoder)
        own = getattr(heads, kind.plugged_head)
        return own.of(backbone, predicts=spec.plug_in.predicts, new=spec.reinitialise, **head)
    chosen = body.model_class(kind)
    if spec.reinitialise:
        model = getattr(chosen, "from_config", chosen)(config)  # one of transformers' Auto classes, or the class itself
    else:
        more = body.loading(kind, config.model_type)
        model = chosen.from_pretrained(
            backbone, config=config, local_files_only=True, trust_remote_code=False, dtype=torch.float32, **more
        )
    if spec.cognition is not None:
        wrapper = CognitionForTokenClassification if kind.labels_words else CognitionForSequenceClassification
        model = wrapper.wrap(
            model,
            mode=spec.cognition.mode,
            boundary=spec.cognition.boundary,
            layered=spec.cognition.layered,
            flags=spec.cognition.flags,
            dose=spec.cognition.dose,
            scale=scale,
        )
    return model if spec.gaze_loss is None else WithGazeLoss(model, spec.gaze_loss)


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
