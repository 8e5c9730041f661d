"""Table and figure of the feature weights of a study's fused models, every layer of them.

inputs: runs = manifests of fine-tuning runs with cognition
outputs: table = results/tables/feature_weights_<study>.tsv, figure = results/figures/feature_weights_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateWeightsSpec(Spec):
    """What is shown."""

    study: str = Field(description="name of the study")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import feature_weights, tables

    made = feature_weights.feature_weight_table([feature_weights.read(path) for path in job.inputs["runs"]])
    files = [tables.write(made, job.outputs["table"]), feature_weights.figure(made, job.outputs["figure"])]
    for row in made.itertuples():
        job.ledger.metrics(row.layer, {f"{row.variant}/{row.task}/{row.feature}": row.weight})
    for path, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateWeightsSpec, run)
