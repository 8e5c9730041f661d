"""Positive control: give every word of a task the features that hold what the task asks for.

inputs: data = results/data/<task>/manifest.json
outputs: annotations = results/annotations/revealed/<task>.parquet (the columns of results/annotations/<task>.parquet)
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class RevealSpec(Spec):
    """What the features hold."""

    of: Literal["marks", "measures"] = Field(description="the marked word of a text, or the first measure of each word")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.files.tables import write_parquet
    from scriptorium.tasks.revealed import revealed

    table = revealed(job.input_dir("data"), job.spec.of)
    path = write_parquet(table, job.outputs["annotations"])
    job.ledger.metrics(0, {"texts": table["text_key"].nunique(), "words": len(table)})
    job.ledger.artifact(path, "dataset")
    return [path]


if __name__ == "__main__":
    stage.main(RevealSpec, run)
