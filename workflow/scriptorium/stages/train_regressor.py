"""Stage 1 of CogBERT: train the gaze regressor and test it on paragraphs it has not seen.

inputs: words.<corpus>, features.<corpus> (manifests), embeddings = manifest of the encoder that lends word vectors
out: `model/` (safetensors), `predictions.parquet` (out of fold), `metrics.json`
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class RegressorSpec(Spec):
    """The gaze regressor (papers/cogbert section 4)."""

    variant: Literal["paper"] = Field("paper", description="architecture: the four-layer Bi-LSTM of the paper's text")
    hidden_size: int = Field(64, gt=0, description="LSTM units per direction (not found in the paper; ours)")
    layers: int = Field(4, gt=0, description="LSTM layers")
    dropout: float = Field(0.15, ge=0, lt=1, description="between LSTM layers (released code)")
    epochs: int = Field(40, gt=0, description="passes over the training paragraphs (released code)")
    batch_size: int = Field(4, gt=0, description="sentences per step")
    lr: float = Field(1e-3, gt=0, description="AdamW learning rate (released code)")
    weight_decay: float = Field(0.01, ge=0, description="AdamW decay")
    folds: int = Field(6, gt=1, description="cross-validation folds; a paragraph is never split")
    seed: int = Field(0, ge=0, description="of initialisation, order and folds")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(RegressorSpec, run)
