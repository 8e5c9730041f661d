"""Pre-train a model from scratch on packed blocks.

inputs: blocks (manifest) · out: `model/` (HF format, safetensors, with tokenizer), `metrics.json`
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec, TrainSpec


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


class ObjectiveSpec(Spec):
    """The pre-training objective."""

    name: Literal["bert"] = Field("bert", description="a module of scriptorium/objectives")
    rate: float = Field(0.15, gt=0, lt=1, description="share of the tokens that are predicted")
    mask: float = Field(0.8, ge=0, le=1, description="of these, the share replaced by the mask symbol")
    random: float = Field(0.1, ge=0, le=1, description="of these, the share replaced by a random token")
    document_attention: bool = Field(True, description="attention stays inside a document of a packed block")


class PretrainSpec(Spec):
    """One pre-training run."""

    model: EncoderSpec
    objective: ObjectiveSpec
    train: TrainSpec
    seed: int = Field(0, ge=0, description="of initialisation, dropout, order and masks")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(PretrainSpec, run)
