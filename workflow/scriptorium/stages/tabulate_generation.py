"""Table of a study of written texts, every variant against the baseline; and a page of samples beside their references.

inputs: runs = manifests results/generate/<variant>/<generation>/seed<k>/manifest.json
outputs: table = results/tables/generate_<study>.tsv, page = results/figures/generate_<study>.html
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.generation.spec import Scored
from scriptorium.spec import Spec


class TabulateGenerationSpec(Spec):
    """What is compared, and how much of it is shown."""

    study: str = Field(description="name of the study")
    baseline: str = Field(description="the variant that all others are compared with")
    generation: dict[str, Scored] = Field(description="its generation tasks by name")
    samples: int = Field(description="test examples on the page of samples")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import samples, tables, written

    spec = job.spec
    runs = [written.read(path) for path in job.inputs["runs"]]
    tasks = {name: written.Measured(own.metrics, own.tokenize) for name, own in spec.generation.items()}
    made = written.scores_table(runs, spec.baseline, tasks)
    table = tables.write(made, job.outputs["table"])
    for row in made.itertuples():
        job.ledger.note(written.sentence(row))
        job.ledger.metrics(0, {f"{row.task}/{row.variant}/{row.metric}": row.mean})
    page = samples.page(runs, spec.study, spec.samples, job.outputs["page"])
    job.ledger.artifact(table, "table")
    job.ledger.artifact(page, "figure")
    return [table, page]


if __name__ == "__main__":
    stage.main(TabulateGenerationSpec, run)
