"""The claims table: every claim of config/claims.yaml, its published numbers, ours, and a verdict.

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json (may be none)
outputs: table = results/tables/claims.tsv, figure = results/figures/claims.svg (claims_<programme> for one paper's)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.reporting.spec import ClaimRow, TaskInTables
from scriptorium.spec import Spec


class TabulateClaimsSpec(Spec):
    """The claims, and how sure one wants to be."""

    claims: tuple[ClaimRow, ...] = Field(description="claims by task, published values resolved")
    tasks: dict[str, TaskInTables] = Field(description="the tasks of those that were run, by name")
    smallest_effect: float = Field(0.005, gt=0, description="an interval that ends below it shows no gain")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import claims, finetuning, tables

    spec = job.spec
    runs = [finetuning.read(path) for path in job.inputs.get("runs", [])]
    made = claims.table_of_claims(spec.claims, runs, spec.tasks, smallest=spec.smallest_effect)
    files = [tables.write(made, job.outputs["table"]), claims.figure(made, spec.tasks, job.outputs["figure"])]
    for row in made[made["delta"].notna()].itertuples():
        job.ledger.note(f"{row.claim}: {row.delta:+.3f} [{row.ci_low:+.3f}, {row.ci_high:+.3f}], {row.verdict}")
        job.ledger.metrics(0, {f"{row.claim}/delta": row.delta})
    counts = made["verdict"].value_counts()
    job.ledger.metrics(0, {f"claims/{name}": int(count) for name, count in counts.items()})
    for file, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(file, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateClaimsSpec, run)
