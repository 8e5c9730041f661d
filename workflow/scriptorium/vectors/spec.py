"""What may be configured of the measures on vectors (docs/vectors.md)."""

from __future__ import annotations

from pydantic import Field

from scriptorium.spec import Seed, Spec


class VectorsSettings(Spec):
    """Which translations, and which layer counts (all ours)."""

    pairs: int = Field(150, gt=3, description="pairs of two languages, those of lowest hash")
    shortest: int = Field(10, gt=0, description="characters of the shortest text")
    longest: int = Field(300, gt=0, description="characters of the longest text")
    layer: int | None = Field(
        None,
        description="the layer that counts: 0 the embeddings, 1 the first layer's output; -1 the last one, -2 ...; "
        "empty: of words the best on one half of the pairs, which the other half reports; of texts the last",
    )

    def model_post_init(self, _: object) -> None:
        if self.shortest > self.longest:
            raise ValueError(f"shortest {self.shortest} is more than longest {self.longest}")


class MeasureVectorsSpec(VectorsSettings):
    """One encoder on one set."""

    seed: Seed = Field(0, description="of the control with random weights")
