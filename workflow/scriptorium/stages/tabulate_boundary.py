"""Table and figure of a boundary sweep: how many low layers should get word-level features.

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json, the plain baseline among them
outputs: table = results/tables/boundary_<study>.tsv, figure = results/figures/boundary_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateBoundarySpec(Spec):
    """What is shown."""

    study: str = Field(description="name of the study")
    metrics: dict[str, str] = Field(description="task -> metric")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import boundary, differences, tables

    runs = [(differences.read(path), boundary.boundary_of(path)) for path in job.inputs["runs"]]
    made = boundary.boundary_table(runs, job.spec.metrics)
    files = [tables.write(made, job.outputs["table"]), boundary.figure(made, job.outputs["figure"])]
    for row in made.dropna(subset="boundary").itertuples():
        job.ledger.metrics(int(row.boundary), {f"{row.task}/mean": row.mean})
    for path, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateBoundarySpec, run)
