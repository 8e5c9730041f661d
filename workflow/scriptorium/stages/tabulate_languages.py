"""Table and figure of a study whose tasks have several languages: each language, their mean, XTREME's average.

inputs: runs = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json
outputs: table = results/tables/languages_<study>.tsv, figure = results/figures/languages_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.reporting.spec import TaskInLanguages
from scriptorium.spec import Spec


class TabulateLanguagesSpec(Spec):
    """What is shown."""

    study: str = Field(description="name of the study")
    baseline: str = Field(description="the variant that all others are compared with")
    tasks: dict[str, TaskInLanguages] = Field(description="its tasks by name")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import differences, languages, tables

    spec = job.spec
    runs = [differences.read(path) for path in job.inputs["runs"]]
    made = languages.table_of_languages(runs, spec.baseline, spec.tasks)
    files = [tables.write(made, job.outputs["table"]), languages.figure(made, job.outputs["figure"])]
    for row in made.itertuples():
        job.ledger.metrics(0, {f"{row.task}/{row.variant}/{row.metric}/{row.language}": row.value})
    for note in languages.coverage(spec.tasks, made):
        job.ledger.note(note)
    for path, kind in zip(files, ("table", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateLanguagesSpec, run)
