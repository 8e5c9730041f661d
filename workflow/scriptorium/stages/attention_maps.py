"""Attention maps of fine-tuned models, plain beside CogBERT beside human fixation counts.

inputs: models = manifests results/finetune/<variant>/<task>/seed<k>/manifest.json that hold model/,
words = manifest of a gaze corpus, annotations = manifest of results/annotations/<corpus>/
outputs: page = results/figures/attention.html (self-contained), figure = results/figures/attention.svg
out: agreement.tsv (correlation of attention with fixation counts, all sentences of the corpus)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.errors import UserError
from scriptorium.spec import Spec


class AttentionMapsSpec(Spec):
    """What is drawn."""

    sentences: int = Field(
        4, gt=0, le=20, description="how many sentences are shown; the first with 8 to 25 words of each document"
    )


def run(job: stage.Job) -> list[Path]:
    from scriptorium.cognition import attention
    from scriptorium.engine import training
    from scriptorium.reporting import attention as drawing
    from scriptorium.reporting import tables

    training.prepare(job, seed=0)
    sentences = attention.read_sentences(job.input("words"))
    shown = attention.choose(sentences, job.spec.sentences)
    if not shown:
        raise UserError("no sentence of this gaze corpus has 8 to 25 words", where=job.input("words"))
    models = [attention.read_model(run, job.input("annotations")) for run in job.inputs["models"]]
    models.sort(key=lambda model: model.cognitive)  # the plain encoder first: others are compared with it
    attending = [attention.ModelAttention(model.name, [model.attend(s.text) for s in sentences]) for model in models]
    agreement = attention.agreement(sentences, attending)
    files = [
        drawing.page(sentences, shown, attending, agreement, job.outputs["page"]),
        drawing.figure(sentences, shown, attending, agreement, job.outputs["figure"]),
        tables.write(agreement, job.out / "agreement.tsv"),
    ]
    for row in agreement.itertuples():
        name = f"{row.who}/{row.layers or 'yardstick'}".replace(" ", "_")
        job.ledger.metrics(0, {f"spearman/{name}": row.spearman})
    for path, kind in zip(files, ("figure", "figure", "table"), strict=True):
        job.ledger.artifact(path, kind)
    return files


if __name__ == "__main__":
    stage.main(AttentionMapsSpec, run)
