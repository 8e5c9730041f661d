"""Fine-tune an encoder on a task, plain or with cognition fused in (stage 2 of CogBERT), and evaluate it on test.

inputs: data, backbone, and with cognition: annotations (manifests)
out: `predictions.parquet` (id, label, prediction, score...), `metrics.json`, `model/` if asked for
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec, TrainSpec


class CognitionSpec(Spec):
    """How cognition enters the encoder (papers/cogbert section 5; `fixed` is ours)."""

    mode: Literal["fixed"] = Field("fixed", description="fixed: identity at the start, defects of section 10 mended")
    boundary: int = Field(4, ge=0, description="layers 1..boundary get word-level features, the others spans")
    scores: Literal["gaze", "flags", "shuffled", "random", "zero"] = Field(
        "gaze", description="gaze: stage-1 scores; the others are controls: 0/1 features, permuted over words, random, all zero"
    )


class FinetuneSpec(Spec):
    """One fine-tuning run."""

    kind: Literal["classification", "regression"] = Field(description="what is predicted")
    labels: tuple[str, ...] = Field((), description="classes in the order of their numbers; empty for regression")
    max_length: int = Field(128, gt=2, description="longest input in word pieces; longer ones are cut and counted")
    train: TrainSpec
    cognition: CognitionSpec | None = Field(None, description="empty: the plain encoder")
    reinitialise: bool = Field(False, description="control: keep the shape, throw the pre-trained weights away")
    save_model: bool = Field(False, description="keep model/ (large)")
    seed: int = Field(0, ge=0, description="of the new parameters, dropout, order and controls")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(FinetuneSpec, run)
