"""What may be configured of bits per byte: which held-out sentences are scored."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scriptorium.minimal_pairs.readers.spec import HeldOutSettings
from scriptorium.named import ModuleOf
from scriptorium.spec import Seed, Spec


class TextsSettings(HeldOutSettings):
    """Held-out sentences, the same for all models."""

    texts: int = Field(1000, gt=1, description="at most so many, those of lowest hash")


class ScoreTextsSpec(Spec):
    """One model on these sentences."""

    likelihood: Annotated[str, ModuleOf("scriptorium.minimal_pairs.likelihoods")] = Field(
        description="how sentences are scored: a module of minimal_pairs/likelihoods, as the objective says"
    )
    sentences: TextsSettings = Field(TextsSettings(), description="which sentences")
    seed: Seed = Field(0, description="of the control with random weights")
