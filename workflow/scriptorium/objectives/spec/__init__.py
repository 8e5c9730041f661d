"""What may be configured of pre-training: the objective and its settings, the encoder, a run.

Every objective has one class of settings, found by its name in `OBJECTIVES`: its own defaults, its own block, its own
checks. An addition is a class in the module of its family, and the module of its name.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SerializeAsAny

from scriptorium.engine.spec import TrainSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec import causal, infilling, masked, pairs, permuted, recurrent, text_to_text
from scriptorium.objectives.spec.base import OBJECTIVES, ObjectiveSpec
from scriptorium.spec import Seed, Spec

__all__ = ["FAMILIES", "OBJECTIVES", "ObjectiveSpec", "PretrainSettings", "PretrainSpec"]

# importing a family makes its objectives known
FAMILIES = (causal, infilling, masked, pairs, permuted, recurrent, text_to_text)


class PretrainSettings(Spec):
    """What a recipe says of pre-training, beside its text and the training settings."""

    model: EncoderSpec | None = Field(
        None, description="shape of a new encoder; empty: that of the model it starts from"
    )
    trains: Literal["all", "head"] = Field("all", description="head: the encoder stays as it is")
    objective: SerializeAsAny[ObjectiveSpec]


class PretrainSpec(PretrainSettings):
    """One pre-training run."""

    train: TrainSpec
    seed: Seed = Field(0, description="of initialisation, dropout, order and masks")
