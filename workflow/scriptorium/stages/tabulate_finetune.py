"""Table and figure of a fine-tuning study: every variant against the baseline, on new seeds and new examples.

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json
outputs: table = results/tables/finetune_<study>.tsv, figure = results/figures/finetune_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.reporting.spec import Protocol, TaskInTables
from scriptorium.spec import Spec


class TabulateFinetuneSpec(Spec):
    """What is compared, and how sure one wants to be."""

    study: str = Field(description="name of the study")
    baseline: str = Field(description="the variant that all others are compared with")
    tasks: dict[str, TaskInTables] = Field(description="its tasks by name")
    protocol: Protocol = Field(
        "ours",
        exclude_if=lambda protocol: protocol == "ours",
        description="paper: the median over seeds, and how the weights were chosen, stand in the table",
    )


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import finetuning, tables

    spec = job.spec
    runs = [finetuning.read(path) for path in job.inputs["runs"]]
    made = finetuning.table_of_variants(runs, spec.baseline, tasks=spec.tasks, protocol=spec.protocol)
    files = [tables.write(made, job.outputs["table"]), finetuning.figure(runs, made, spec.tasks, job.outputs["figure"])]
    for row in made.itertuples():
        job.ledger.note(finetuning.sentence(row))
        job.ledger.metrics(0, {f"{row.task}/{row.variant}/mean": row.mean})
        if row.verdict != finetuning.BASELINE:
            job.ledger.metrics(0, {f"{row.task}/{row.variant}/delta": row.delta})
    job.ledger.artifact(files[0], "table")
    job.ledger.artifact(files[1], "figure")
    return files


if __name__ == "__main__":
    stage.main(TabulateFinetuneSpec, run)
