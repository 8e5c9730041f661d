"""Table and figure of few labels: what a pre-trained encoder gives over random weights and over no encoder.

inputs: runs = manifests results/probe/<variant>/<task>/seed<k>/manifest.json; finetuned = those of fine-tuning runs on
few labels, if there are any
outputs: table = results/tables/few_labels[_<study>].tsv, figure = results/figures/few_labels[_<study>].svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateFewLabelsSpec(Spec):
    """What the fine-tuning runs are, if there are any."""

    baseline: str = Field("", description="variant that the others are compared with")
    labelled: dict[str, int] = Field(default_factory=dict, description="task -> labelled examples")


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.reporting import differences, few_labels, few_labels_finetuned, tables

    runs = [few_labels.read(path) for path in job.inputs["runs"]]
    made = few_labels.learning_curve_table(runs)
    if given := job.inputs.get("finetuned"):
        finetuned = [differences.read(path) for path in given]
        made = pd.concat([made, few_labels_finetuned.finetuned_rows(finetuned, job.spec.baseline, job.spec.labelled)])
    files = [
        tables.write(made, job.outputs["table"]),
        few_labels.figure(made, few_labels.controls(runs), job.outputs["figure"]),
    ]
    for row in made.itertuples():
        job.ledger.note(
            f"{row.variant}, {row.method}, {row.labels} labels: accuracy {row.accuracy:.3f}; "
            f"{row.control}: {row.delta:+.3f} [{row.delta_ci_low:+.3f} {row.delta_ci_high:+.3f}]"
        )
        job.ledger.metrics(0, {f"{row.method}/{row.variant}/{row.labels}/accuracy": row.accuracy})
    job.ledger.artifact(files[0], "table")
    job.ledger.artifact(files[1], "figure")
    return files


if __name__ == "__main__":
    stage.main(TabulateFewLabelsSpec, run)
