"""What may be configured of VECO 2.0's contrasts; all defaults are ours (docs/papers/veco.md section 5.1)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scriptorium.spec import Spec


class SequenceSpec(Spec):
    """Contrast between sentences (models/veco2/sequence_contrast.py)."""

    pool: Literal["first", "mean"] = Field("mean", description="a text's vector: its first state, or the mean of all")
    projection: Literal["none", "linear", "mlp"] = Field("none", description="of that vector; left out when saved")
    normalised: bool = Field(True, description="cosine; false: the dot product as it is, as InfoXLM")
    temperature: float = Field(0.05, gt=0, description="similarities are divided by it; InfoXLM's code: 0.25")
    margin: float = Field(0.0, ge=0, description="taken from the similarity of the pair itself, as LaBSE does")
    layer: int | None = Field(None, ge=0, description="the layer that is read, 0 the embeddings; empty: the last one")
    in_batch: bool = Field(True, description="other pairs of the batch are negatives")
    queue: int = Field(
        0, ge=0, description="so many vectors of earlier batches are negatives; keys then come from a slow encoder"
    )
    momentum: float = Field(0.999, ge=0, lt=1, description="queue: share that the slow encoder keeps of itself")
    waits: bool = Field(True, description="queue: no loss until it is full, as InfoXLM")

    def model_post_init(self, _: object) -> None:
        if not (self.in_batch or self.queue):
            raise ValueError("in_batch is off and queue is 0, so there are no negatives")


class TokenSpec(Spec):
    """Contrast between words (models/veco2/token_contrast.py)."""

    units: Literal["words", "pieces"] = Field(
        "words", description="words: the mean of their pieces; pieces: every piece of a word is linked by itself"
    )
    negatives: Literal["others", "unpaired"] = Field(
        "others",
        description="others: words of the translation that are no synonym of this one; unpaired: those without any",
    )
    temperature: float = Field(0.1, gt=0, description="cosines are divided by it")
    layer: int | None = Field(None, ge=0, description="the layer that is read, 0 the embeddings; empty: the last one")
