"""A randomly initialised model of VECO 2.0 for a recipe (a reconstruction, ours)."""

from __future__ import annotations

import torch
import transformers

from scriptorium.models.spec import EncoderSpec
from scriptorium.models.veco.building import SAVED, build_as
from scriptorium.models.veco2.momentum import Momentum
from scriptorium.models.veco2.terms import Veco2ForMaskedLM

__all__ = ["SAVED", "build"]


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase, **settings: object) -> Veco2ForMaskedLM:
    """VECO's `build`, `settings` of Veco2Config; the slow encoder has the padded vocabulary too."""
    model = build_as(Veco2ForMaskedLM, spec, tokenizer, **settings)
    if model.momentum is not None:
        with torch.random.fork_rng(devices=[]):
            model.momentum = Momentum(model.config, model.momentum.projection, model.sequence.queue)
    return model
