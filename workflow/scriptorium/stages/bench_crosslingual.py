"""Measure what cross-lingual work costs, beside its peers, in one run (`snakemake bench_crosslingual`).

inputs: parallel = manifest of a corpus of pairs, whose texts are packed, dictionary = manifest of one, by which their
        words are linked
outputs: table = results/bench/crosslingual.tsv (case, peer, ratio_median, ratio_min, ratio_max, runs, target, unit)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.bench.spec import ContrastShape, SearchShape, StepShape, TranslationShape
from scriptorium.spec import Spec


class BenchCrosslingualSpec(Spec):
    """What is timed."""

    steps: tuple[StepShape, ...] = Field(
        (StepShape(), StepShape(width=768, heads=12, pieces=16_000)),
        description="bilingual steps; with the large vocabulary the width is less, so that the naive form takes 3 GB",
    )
    contrast: ContrastShape = Field(ContrastShape(), description="VECO 2.0")
    translation: TranslationShape = Field(TranslationShape(), description="beam search")
    search: SearchShape = Field(SearchShape(), description="nearest texts")
    runs: int = Field(7, gt=0, description="pairs of every case")


def run(job: stage.Job) -> list[Path]:
    import pandas as pd
    import torch
    from threadpoolctl import threadpool_limits

    from scriptorium.bench import contrast, crosslingual, timing
    from scriptorium.manifest import the_parquet

    spec = job.spec
    torch.set_num_threads(job.impl.threads)
    corpus = pd.read_parquet(the_parquet(job.input("parallel")), columns=list(crosslingual.COLUMNS))
    pairs = corpus.sample(min(crosslingual.PAIRS, len(corpus)), random_state=0)
    with threadpool_limits(job.impl.threads):
        ratios = crosslingual.nearest_ratios(spec.search, spec.runs)
    ratios.append(crosslingual.translation_ratio(spec.translation, spec.runs))
    ratios += [crosslingual.step_ratio(pairs, shape, spec.runs) for shape in spec.steps]
    ratios += contrast.ratios(corpus, the_parquet(job.input("dictionary")), spec.contrast, spec.runs)
    return [timing.report(ratios, job.ledger, job.outputs["table"])]


if __name__ == "__main__":
    stage.main(BenchCrosslingualSpec, run, always=True)
