"""Table and figure of a dose study: how far each variant's fusion acts on validation, and what it is worth there.

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json, the plain baseline among them
outputs: table = results/tables/dose_<study>.tsv, figure = results/figures/dose_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.reporting.spec import TaskInTables
from scriptorium.spec import Spec


class TabulateDoseSpec(Spec):
    """What is shown."""

    study: str = Field(description="name of the study")
    baseline: str = Field(description="the plain encoder")
    tasks: dict[str, TaskInTables] = Field(description="their metrics are of validation, such as validation/accuracy")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import dose, tables

    made = dose.dose_table([dose.read(path) for path in job.inputs["runs"]], job.spec.baseline, job.spec.tasks)
    files = [tables.write(made, job.outputs["table"]), dose.figure(made, job.outputs["figure"])]
    for row in made.itertuples():
        job.ledger.metrics(0, {f"{row.variant}/{row.task}/changed": row.changed})
    for path, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateDoseSpec, run)
