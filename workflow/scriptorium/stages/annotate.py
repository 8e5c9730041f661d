"""Annotate every distinct text of a gaze corpus or task with the linguistic features of `linguistics/features.py`.

inputs: data = manifest of the gaze corpus or task
outputs: features = results/annotations/features/<dataset>.parquet (one row per word)
"""

from __future__ import annotations

from pathlib import Path

from scriptorium import stage
from scriptorium.linguistics.spec import AnnotateSpec


def run(job: stage.Job) -> list[Path]:
    from scriptorium.linguistics import annotate
    from scriptorium.linguistics.features import FEATURES

    texts = annotate.texts_of(job.input("data"))
    table = annotate.annotate(texts, annotate.load(job.spec.pipeline), job.impl.threads)
    path = job.outputs["features"]
    table.to_parquet(path, index=False)
    job.ledger.metrics(0, {"texts": len(texts), "words": len(table)})
    job.ledger.metrics(0, {f"mean/{name}": table[name].mean() for name in FEATURES})
    job.ledger.artifact(path, "dataset")
    return [path]


if __name__ == "__main__":
    stage.main(AnnotateSpec, run)
