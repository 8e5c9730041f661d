"""Table and figure of few labels: what a pre-trained encoder gives over random weights and over no encoder.

inputs: runs = manifests results/probe/<variant>/<task>/seed<k>/manifest.json
outputs: table = results/tables/few_labels[_<study>].tsv, figure = results/figures/few_labels[_<study>].svg
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateFewLabelsSpec(Spec):
    """Nothing to set: the runs are the inputs."""


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import few_labels, tables

    runs = [few_labels.read(path) for path in job.inputs["runs"]]
    made = few_labels.table(runs)
    files = [
        tables.write(made, job.outputs["table"]),
        few_labels.figure(made, few_labels.controls(runs), job.outputs["figure"]),
    ]
    for row in made.itertuples():
        job.ledger.note(
            f"{row.variant}, {row.labels} labels: accuracy {row.accuracy:.3f}; {row.control}: {row.delta:+.3f} "
            f"[{row.delta_ci_low:+.3f} {row.delta_ci_high:+.3f}]"
        )
        job.ledger.metrics(0, {f"{row.variant}/{row.labels}/accuracy": row.accuracy})
    job.ledger.artifact(files[0], "table")
    job.ledger.artifact(files[1], "figure")
    return files


if __name__ == "__main__":
    stage.main(TabulateFewLabelsSpec, run)
