"""Table and figure of eye-tracking prediction: encoders beside mean, median and word length alone.

inputs: runs = manifests of fine-tuning runs on tasks of kind gaze; data = manifests of these tasks
outputs: table = results/tables/reading_<study>.tsv, figure = results/figures/reading_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateReadingSpec(Spec):
    """What is shown."""

    study: str = Field(description="name of the study")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import differences, eye_tracking, tables

    runs = [differences.read(path) for path in job.inputs["runs"]]
    measured = [
        row
        for path in job.inputs["data"]
        for row in eye_tracking.baselines(path.parent.name, path.parent / "baselines.json")
    ]
    made = eye_tracking.eye_tracking_table(runs, measured)
    files = [tables.write(made, job.outputs["table"]), eye_tracking.figure(made, job.outputs["figure"])]
    for row in made.itertuples():
        job.ledger.metrics(0, {f"{row.task}/{row.model.replace(' ', '_')}/accuracy": row.accuracy})
    for path, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateReadingSpec, run)
