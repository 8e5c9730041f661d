"""What may be configured of stage 2: which mode, which layers, which scores. Nothing heavy is imported."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from scriptorium.cognition.modes import resolved
from scriptorium.errors import UserError
from scriptorium.spec import Spec


class Dose(Spec):
    """How strongly the fusion acts in mode `fixed` (ours: the paper does not state the scale of its fused features)."""

    gain: float = Field(
        0.0, ge=0, description="logits that a score of 1 adds at the start, before alpha; 0: the plain encoder"
    )
    rate: float = Field(1.0, gt=0, description="learning rate of the fusion's own parameters over the encoder's")
    gate: float = Field(0.5, gt=0, lt=1, description="share of the fused attention in the mix at the start")
    normalise: bool = Field(
        True, description="each feature is divided by its mean size over the training words that have it"
    )


class CognitionSpec(Spec):
    """How cognition enters the encoder (docs/papers/cogbert.md section 5; the default mode `fixed` is ours)."""

    mode: Literal["fixed", "paper", "released"] = Field(
        "fixed",
        description="fixed: identity at the start, defects of section 10 mended (ours); paper: as described; "
        "released: as the public code computes it",
    )
    flags: dict[str, str | int | bool] = Field(
        default_factory=dict, description="single flags that differ from the mode's"
    )
    dose: Dose | None = Field(
        None, description="mode fixed: how strongly the fusion acts; empty: mixing weights start at zero, scores as are"
    )
    boundary: int = Field(4, ge=0, description="layers 1..boundary get word-level features, the others spans")
    layered: bool = Field(True, description="ablation if false: all eight features in every layer")
    drop: tuple[Literal["lower", "upper", "readability"], ...] = Field(
        (), description="ablation: features that are set to zero"
    )
    pieces: Literal["all", "first", "share"] = Field(
        "all", description="a word's score goes to all its pieces, to the first alone, or in equal shares (ours: all)"
    )
    features: Literal["predicted", "revealed"] = Field(
        "predicted",
        description="predicted: stage-1 scores of linguistic features; revealed: positive control, every word's score "
        "is what the task asks for (docs/cogbert.md)",
    )
    scores: Literal["gaze", "flags", "shuffled", "random", "zero"] = Field(
        "gaze",
        description="gaze: stage-1 scores; the others are controls: "
        "0/1 features, permuted over words, random, all zero",
    )

    def model_post_init(self, _: Any) -> None:
        flags = resolved(self.mode, self.flags)
        if self.dose and (flags.fusion, flags.start) != ("add", "plain"):
            raise UserError(
                f"mode {self.mode!r} with these flags has no dose: it needs fusion: add and start: plain",
                where="cognition.dose",
                remedy="write dose: null, or take mode: fixed",
            )
