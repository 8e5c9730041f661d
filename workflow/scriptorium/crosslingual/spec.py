"""What may be configured of the zero-shot cross-lingual measures (docs/crosslingual_measures.md)."""

from __future__ import annotations

from pydantic import Field

from scriptorium.spec import Seed, Spec


class CrosslingualSettings(Spec):
    """Held-out translations, and how a pre-trained model is asked about them (all ours)."""

    pairs: int = Field(150, gt=3, description="held-out pairs of every pair of languages, those of lowest hash")
    candidates: int = Field(10, gt=1, description="texts of which one is the translation")
    rate: float = Field(0.3, gt=0, lt=1, description="share of the pieces of a text that are hidden and asked for")
    shortest: int = Field(5, gt=2, description="pieces of the shortest text, without special tokens")
    longest: int = Field(60, gt=2, description="pieces of the longest text")

    def model_post_init(self, _: object) -> None:
        if self.shortest > self.longest:
            raise ValueError(f"shortest {self.shortest} is more than longest {self.longest}")
        if self.candidates > self.pairs:
            raise ValueError(f"candidates {self.candidates} is more than pairs {self.pairs}, of which they are drawn")


class MeasureCrosslingualSpec(CrosslingualSettings):
    """One model."""

    seed: Seed = Field(0, description="of the control with random weights")
