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
    raise NotImplementedError


if __name__ == "__main__":
    stage.main(TabulatePretrainSpec, run)
