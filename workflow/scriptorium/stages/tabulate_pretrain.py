"""Table and figure of the pre-training runs: what was trained, on how much, and where the loss ended.

inputs: runs = manifests results/pretrain/<recipe>/seed<k>/manifest.json (the ledger beside them holds the curves)
outputs: table = results/tables/pretrain.tsv, figure = results/figures/pretrain_loss.svg
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.spec import Spec


class TabulatePretrainSpec(Spec):
    """Nothing to set: the runs are the inputs."""


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import pretraining, tables

    runs = [pretraining.read(path) for path in job.inputs["runs"]]
    made = pretraining.table_of_runs(runs)
    files = [tables.write(made, job.outputs["table"]), pretraining.figure(runs, job.outputs["figure"])]
    for row in made.itertuples():
        job.ledger.note(
            f"{row.recipe}, seed {row.seed}: validation loss {row.validation_loss:.3f} after {row.tokens:,} tokens; "
            f"guessing by word frequency gives {row.unigram_loss:.3f}"
        )
    job.ledger.artifact(files[0], "table")
    job.ledger.artifact(files[1], "figure")
    return files


if __name__ == "__main__":
    stage.main(TabulatePretrainSpec, run)
