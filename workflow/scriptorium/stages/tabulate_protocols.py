"""Table of the two protocols of fine-tuning: every variant and task of a study under `paper` beside `ours`.

inputs: ours, paper = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json
outputs: table = results/tables/protocols_<study>.tsv
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.reporting.spec import TaskInTables
from scriptorium.spec import Spec


class TabulateProtocolsSpec(Spec):
    """What stands side by side."""

    study: str = Field(description="name of the study of protocol paper")
    tasks: dict[str, TaskInTables] = Field(description="its tasks by the names that they have under protocol ours")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import differences, protocols, tables

    ours, paper = ([differences.read(path) for path in job.inputs[name]] for name in ("ours", "paper"))
    made = protocols.table_of_protocols(ours, paper, job.spec.tasks)
    for row in made.itertuples():
        job.ledger.note(
            f"{row.task}, {row.variant}: {row.metric} {row.ours_mean:.3f} under ours ({row.ours_chosen}), "
            f"{row.paper_mean:.3f} under paper ({row.paper_chosen}): {row.delta:+.3f} "
            f"[{row.ci_low:+.3f}, {row.ci_high:+.3f}]"
        )
        job.ledger.metrics(0, {f"{row.task}/{row.variant}/delta": row.delta})
    table = tables.write(made, job.outputs["table"])
    job.ledger.artifact(table, "table")
    return [table]


if __name__ == "__main__":
    stage.main(TabulateProtocolsSpec, run)
