"""Table of a translation study: every variant against the baseline, by BLEU and chrF.

inputs: runs = manifests results/translate/<variant>/<translation>/seed<k>/manifest.json
outputs: table = results/tables/translation_<study>.tsv
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec
from scriptorium.translation.spec import Direction


class TabulateTranslationSpec(Spec):
    """What is compared."""

    study: str = Field(description="name of the study")
    baseline: str = Field(description="the variant that all others are compared with")
    translations: dict[str, Direction] = Field(description="its translations by name")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.reporting import tables, written
    from scriptorium.translation.words import tokenizer_of

    spec = job.spec
    runs = [written.read(path) for path in job.inputs["runs"]]
    tasks = {
        name: written.Measured(written.OF_TRANSLATION, tokenizer_of(direction))
        for name, direction in spec.translations.items()
    }
    made = written.scores_table(runs, spec.baseline, tasks)
    path = tables.write(made.rename(columns={"task": "translation", "examples": "sentences"}), job.outputs["table"])
    for row in made.itertuples():
        job.ledger.note(written.sentence(row))
        job.ledger.metrics(0, {f"{row.task}/{row.variant}/{row.metric}": row.mean})
    job.ledger.artifact(path, "table")
    return [path]


if __name__ == "__main__":
    stage.main(TabulateTranslationSpec, run)
