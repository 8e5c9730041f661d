"""Attention maps of fine-tuned models, plain beside CogBERT beside human fixation counts.

inputs: models = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json that hold model/,
words = manifest of a gaze corpus, annotations = manifest of results/annotations/<corpus>/
outputs: page = results/figures/attention.html (self-contained), figure = results/figures/attention.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class AttentionMapsSpec(Spec):
    """What is drawn."""

    sentences: int = Field(4, gt=0, le=20, description="how many sentences; the first by name with 8 to 25 words")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(AttentionMapsSpec, run)
