"""The shape of an encoder, as a pre-training recipe gives it. Nothing heavy is imported."""

from __future__ import annotations

from pydantic import Field

from scriptorium.spec import Spec


class EncoderSpec(Spec):
    """Shape of the encoder."""

    hidden_size: int = Field(128, gt=0, description="width d")
    layers: int = Field(4, gt=0, description="transformer layers")
    heads: int = Field(4, gt=0, description="attention heads; must divide hidden_size")
    intermediate_size: int = Field(512, gt=0, description="width of the feed-forward part")
    max_positions: int = Field(512, gt=0, description="longest input")
    dropout: float = Field(0.1, ge=0, lt=1, description="hidden and attention dropout")

    def model_post_init(self, _: object) -> None:
        if self.hidden_size % self.heads:
            raise ValueError(f"heads ({self.heads}) must divide hidden_size ({self.hidden_size})")
