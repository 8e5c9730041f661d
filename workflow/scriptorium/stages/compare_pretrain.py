"""A pre-training study: every variant against the baseline on the same held-out blocks.

inputs: runs = manifests results/pretrain/<variant>/seed<k>/manifest.json
outputs: table = results/tables/pretrain_<study>.tsv, figure = results/figures/pretrain_<study>_loss.svg,
order = results/tables/order_<study>.tsv, ranks = results/figures/pretrain_<study>_ranks.svg: the loss by order of
prediction
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class ComparePretrainSpec(Spec):
    """What is compared, and how sure one wants to be."""

    study: str = Field(description="name of the study, for people")
    baseline: str = Field(description="the variant that all others are compared with")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import prediction_order, pretraining, pretraining_study, tables

    spec = job.spec
    runs = [pretraining.read(path) for path in job.inputs["runs"]]
    made = pretraining_study.table_of_variants(runs, spec.baseline)
    order = prediction_order.table_by_tenth(runs, spec.baseline)
    files = [
        tables.write(made, job.outputs["table"]),
        pretraining_study.figure(runs, job.outputs["figure"]),
        prediction_order.figure(order, runs, spec.baseline, job.outputs["ranks"]),
        tables.write(order, job.outputs["order"]),
    ]
    for row in made.itertuples():
        against = "" if row.verdict == pretraining_study.BASELINE else f", {row.delta:+.3f} to {spec.baseline}"
        job.ledger.note(f"{row.recipe}: held-out loss {row.validation_loss:.3f}{against} ({row.verdict}, {row.scale})")
        job.ledger.metrics(0, {f"{row.recipe}/validation_loss": row.validation_loss})
    for row in order[order["tenth"] == prediction_order.TREND].dropna().itertuples():
        job.ledger.note(
            f"{row.recipe}, loss by order of prediction, beside {spec.baseline}: trend {row.delta:+.3f} "
            f"[{row.ci_low:+.3f}, {row.ci_high:+.3f}]"
        )
    for path, kind in zip(files, ("table", "figure", "figure", "table"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(ComparePretrainSpec, run)
