"""Collect running text for pre-training: normalised, de-duplicated, split by document.

inputs: sources, one manifest per data set that is not streamed, in a folder of its name
out: `results/data/corpora/<corpus>/documents.parquet` (id: str, source: str, split: train | validation, text: str)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class CorpusSource(Spec):
    """One source of a corpus."""

    dataset: str = Field(description="catalogue name")
    reader: str = Field(
        description="a reader of data/corpora: text | jsonl | parquet | wikitext | bbc | tatoeba_sentences"
    )
    options: dict[str, str | int | float | bool] = Field(default_factory=dict, description="settings of that reader")
    stream: bool = Field(
        False,
        exclude_if=lambda value: not value,  # so that the specification of other runs stays what it is
        description="read a data set of the hub without keeping a copy of it; readers jsonl and parquet",
    )

    def model_post_init(self, _: object) -> None:
        if self.stream and self.reader not in ("jsonl", "parquet"):
            raise ValueError(f"stream: true belongs to the readers jsonl and parquet, not to {self.reader}")


class StreamSpec(Spec):
    """Files of a hub data set at one commit."""

    location: str = Field(pattern=r"^datasets/[\w.-]+/[\w.-]+$", description="datasets/owner/repository")
    revision: str = Field(pattern="^[0-9a-f]{40}$", description="the pinned commit: 40 hexadecimal digits")
    members: tuple[str, ...] = Field((), description="files or globs; empty: all")


class CorpusSpec(Spec):
    """What a pre-training corpus is made of."""

    corpus: str = Field(description="name of the corpus")
    sources: tuple[CorpusSource, ...] = Field(min_length=1, description="where the text comes from, in this order")
    validation_share: float = Field(0.02, gt=0, lt=1, description="share of the documents held out")
    split_seed: int = Field(0, description="seed of the split by document")
    streams: dict[str, StreamSpec] = Field(
        default_factory=dict,
        exclude_if=lambda value: not value,
        description="where streamed data sets lie, from the catalogue, by name",
    )


def run(job: stage.Job) -> list[Path]:
    from scriptorium.data import corpora

    return corpora.prepare(job.spec, job.inputs.get("sources", []), job.out, job.ledger)


if __name__ == "__main__":
    stage.main(CorpusSpec, run)
