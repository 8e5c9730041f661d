"""Table and figure of a fine-tuning study: every variant against the baseline, paired by seed and example.

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json
outputs: table = results/tables/finetune_<study>.tsv, figure = results/figures/finetune_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateFinetuneSpec(Spec):
    """What is compared, and how sure one wants to be."""

    study: str = Field(description="name of the study")
    baseline: str = Field(description="the variant that all others are compared with")
    metrics: dict[str, str] = Field(default_factory=dict, description="task -> metric; others: test/accuracy")
    resamples: int = Field(10_000, gt=99, description="bootstrap resamples")
    seed: int = Field(0, ge=0, description="of the resampling")


def run(job: stage.Job) -> list[Path]:
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(TabulateFinetuneSpec, run)
