"""Collect running text for pre-training: normalised, de-duplicated, split by document.

inputs: one manifest per source, named like the data set · out: `results/data/<corpus>/documents.parquet`
(id: str, source: str, split: train | validation, text: str)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class CorpusSource(Spec):
    """One source of a corpus."""

    dataset: str = Field(description="catalogue name")
    reader: str = Field(description="a reader of data/corpora.py")
    options: dict[str, str | int | float | bool] = Field(default_factory=dict, description="settings of that reader")


class CorpusSpec(Spec):
    """What a pre-training corpus is made of."""

    corpus: str = Field(description="name of the corpus")
    sources: tuple[CorpusSource, ...] = Field(min_length=1, description="where the text comes from, in this order")
    validation_share: float = Field(0.02, gt=0, lt=1, description="share of the documents held out")
    split_seed: int = Field(0, description="seed of the split by document")


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import corpora

    return corpora.prepare(job.spec, job.inputs["sources"], job.out, job.ledger)


if __name__ == "__main__":
    stage.main(CorpusSpec, run)
