"""Table of retrieval: every encoder and layer beside random weights and chance.

inputs: runs = manifests results/retrieval/<variant>/<set>/seed<k>/manifest.json
outputs: table = results/tables/retrieval[_<study>].tsv
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateRetrievalSpec(Spec):
    """Nothing to set: runs are the inputs."""


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import retrieval, tables

    made = retrieval.retrieval_table([retrieval.read(path) for path in job.inputs["runs"]])
    path = tables.write(made, job.outputs["table"])
    for row in made[made["counts"] & (made["direction"] == retrieval.BOTH)].itertuples():
        job.ledger.note(
            f"{row.variant} on {row.set}, {row.languages}, layer {row.layer}: {row.metric} {row.value:.3f}; "
            f"{row.control}: {row.delta:+.3f} [{row.delta_ci_low:+.3f} {row.delta_ci_high:+.3f}], "
            f"chance {row.chance:.2g}"
        )
        job.ledger.metrics(0, {f"{row.set}/{row.variant}/{row.languages}": row.value})
    job.ledger.artifact(path, "table")
    return [path]


if __name__ == "__main__":
    stage.main(TabulateRetrievalSpec, run)
