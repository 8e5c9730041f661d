"""Table and figure of the measures on vectors of a pre-training study.

inputs: runs = manifests results/vectors/<variant>/<set>/seed<k>/manifest.json
outputs: table = results/tables/vectors_<study>.tsv, figure = results/figures/vectors_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateVectorsSpec(Spec):
    """What the runs are compared with."""

    baseline: str = Field(description="variant that the others are compared with")
    layers: dict[str, int | None] = Field(description="set -> the layer that counts; empty: chosen (docs/vectors.md)")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import tables, vectors, vectors_figure
    from scriptorium.vectors.measures import BOTH

    runs = [vectors.read(path) for path in job.inputs["runs"]]
    made = vectors.vectors_table(runs, job.spec.baseline, job.spec.layers)
    files = [
        tables.write(made, job.outputs["table"]),
        vectors_figure.draw(runs, job.outputs["figure"]),
    ]
    for row in made[made["counts"] & (made["direction"] == BOTH)].itertuples():
        job.ledger.note(
            f"{row.variant} on {row.set}, {row.languages}, {row.measure}, {row.reads}, layer {row.layer}: "
            f"{row.value:.3f} [{row.ci_low:.3f} {row.ci_high:.3f}]; random weights {row.control:.3f}, chance "
            f"{row.chance:.3f}; {row.verdict}"
        )
        name = "/".join((row.set, row.measure, row.languages, row.reads, row.variant)).replace(" ", "_")
        job.ledger.metrics(0, {name: row.value})
    for path, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateVectorsSpec, run)
