"""What may be configured of few labels: how many articles are labelled, and how often they are drawn."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.models.architectures.spec import ReadsArchitecture
from scriptorium.spec import Seed, Spec


class ProbeSettings(Spec):
    """A linear probe on what an encoder says of the beginning of a text (all ours)."""

    labels: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        (25, 50, 100, 400), min_length=1, description="how many training texts are labelled"
    )
    draws: int = Field(5, gt=0, description="how often so many are drawn")
    pieces: int = Field(64, gt=0, description="word pieces of a text that are read, the first")


class ProbeSpec(ProbeSettings, ReadsArchitecture):
    """All sizes and draws of one encoder."""

    classes: tuple[str, ...] = Field(min_length=2, description="the task's classes in the order of their numbers")
    seed: Seed = Field(0, description="the encoder's: of the controls with random weights")
