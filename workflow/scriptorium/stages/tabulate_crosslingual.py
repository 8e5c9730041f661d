"""Table and figures of the zero-shot cross-lingual measures of a pre-training study.

inputs: runs = manifests results/crosslingual/<variant>/seed<k>/manifest.json
outputs: table = results/tables/crosslingual_<study>.tsv, figure = results/figures/crosslingual_<study>.svg, example =
results/figures/alignment_<study>.svg
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class TabulateCrosslingualSpec(Spec):
    """What the runs are compared with."""

    baseline: str = Field(description="variant that the others are compared with")
    candidates: int = Field(description="texts of which one is the translation")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import crosslingual, crosslingual_figures, tables

    folders = [path.parent for path in job.inputs["runs"]]
    runs = [crosslingual.read(path) for path in job.inputs["runs"]]
    made = crosslingual.measures_table(runs, job.spec.baseline, job.spec.candidates)
    first = {folder.parent.name: folder for folder in reversed(folders)}  # of each variant its first seed
    files = [
        tables.write(made, job.outputs["table"]),
        crosslingual_figures.measures(made, job.outputs["figure"]),
        crosslingual_figures.example(list(reversed(first.values())), made, job.outputs["example"]),
    ]
    for row in made[(made["text"] == crosslingual.ALL) & (made["words"] == crosslingual.ALL)].itertuples():
        job.ledger.note(
            f"{row.variant}, {row.measure}, {row.reads}: {row.value:.3f} [{row.ci_low:.3f} {row.ci_high:.3f}]"
        )
        job.ledger.metrics(0, {f"{row.measure.replace(' ', '_')}/{row.reads}/{row.variant}": row.value})
    for path, kind in zip(files, ("table", "figure", "figure"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(TabulateCrosslingualSpec, run)
