"""A page with the picture of every objective of a pre-training study: what is hidden, who sees what, what is predicted.

inputs: none; the pictures are of sentences of ours, and no trained model is asked
outputs: page = results/figures/objectives_<study>.html (self-contained)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.show.spec import ShowSpec
from scriptorium.spec import Spec


class VariantPicture(ShowSpec):
    """The picture of one variant."""

    variant: str = Field(description="its name")


class DrawObjectivesSpec(Spec):
    """What is drawn."""

    study: str = Field(description="name of the study")
    pictures: tuple[VariantPicture, ...] = Field(min_length=1, description="of all variants, in the order of the page")


def run(job: stage.Job) -> list[Path]:
    import torch

    from scriptorium.show import page, picture

    torch.set_num_threads(job.impl.threads)
    made = {spec.variant: picture.of(spec) for spec in job.spec.pictures}
    path = page.page(made, job.spec.study, job.outputs["page"])
    job.ledger.artifact(path, "figure")
    return [path]


if __name__ == "__main__":
    stage.main(DrawObjectivesSpec, run)
