"""Collect parallel text: normalised, de-duplicated on each side, split so that no held-out text occurs in train.

inputs: sources, one manifest per data set that is not streamed, in a folder of its name
out: `results/data/parallel/<parallel>/pairs.parquet` (id, split: train | validation, lang_a, lang_b, text_a, text_b;
all str)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.text.parallel.spec import ParallelSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.text.parallel import preparing

    with job.impl.saving_on_sigterm():
        return preparing.prepare(job)


if __name__ == "__main__":
    stage.main(ParallelSpec, run)
