"""What may be configured of stage 2: which mode, which layers, which scores. Nothing heavy is imported."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from scriptorium.cognition.modes import resolved
from scriptorium.spec import Spec


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
    boundary: int = Field(4, ge=0, description="layers 1..boundary get word-level features, the others spans")
    layered: bool = Field(True, description="ablation if false: all eight features in every layer")
    drop: tuple[Literal["lower", "upper", "readability"], ...] = Field(
        (), description="ablation: features that are set to zero"
    )
    pieces: Literal["all", "first", "share"] = Field(
        "all", description="a word's score goes to all its pieces, to the first alone, or in equal shares (ours: all)"
    )
    scores: Literal["gaze", "flags", "shuffled", "random", "zero"] = Field(
        "gaze",
        description="gaze: stage-1 scores; the others are controls: "
        "0/1 features, permuted over words, random, all zero",
    )

    def model_post_init(self, _: Any) -> None:
        resolved(self.mode, self.flags)
