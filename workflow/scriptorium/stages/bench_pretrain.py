"""Measure what pre-training costs, beside its peers, in one run (`snakemake bench_pretrain`).

inputs: blocks = manifest of packed blocks, corpus = manifest of the corpus they were made of
outputs: table = results/bench/pretrain.tsv (case, peer, ratio_median, ratio_min, ratio_max, runs, target, unit),
profile = where a step goes, scaling = step time by model size, length and processes, figure = its curve
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scriptorium import stage
from scriptorium.bench.pretrain_sides import Shape
from scriptorium.spec import Spec


class BenchPretrainSpec(Spec):
    """What is timed."""

    small: Shape = Field(Shape(), description="the small model, whose step the vocabulary dominates")
    large: Shape | None = Field(
        Shape(layers=12, width=768, heads=12, batch_size=8, steps=1),
        description="BERT-base's shape; on a CPU a step takes seconds; empty: left out",
    )
    runs: int = Field(7, gt=0, description="pairs of windows of every case")
    documents: int = Field(1000, gt=5, description="documents of the corpus: the peers' text, and what is packed")
    starts: int = Field(3, gt=0, description="how often a training job is started; 0 is not a measurement")
    models: tuple[Shape, ...] = Field(
        (Shape(), Shape(layers=2, width=128, heads=2), Shape(layers=6, width=384, heads=12, steps=2)),
        description="models of the scaling table; the first one also with several processes",
    )
    lengths: tuple[int, ...] = Field(
        (64, 128, 256, 512), min_length=2, description="lengths of the scaling table, at constant tokens per step"
    )
    parallel: tuple[int, ...] = Field((1, 2), description="numbers of processes of the scaling table")


def run(job: stage.Job) -> list[Path]:
    import pandas as pd

    from scriptorium.bench import pretrain, pretrain_data, pretrain_profile, pretrain_scaling, timing

    spec, blocks, threads = job.spec, job.input_dir("blocks"), job.impl.threads
    texts = pd.read_parquet(job.input_dir("corpus") / "documents.parquet", columns=["split", "text"])
    texts = texts[texts["split"] == "train"]["text"].sample(spec.documents, random_state=0, replace=False)
    bench = pretrain.Bench(blocks, texts.tolist(), threads, spec.runs)
    ratios: list[timing.Ratio] = []

    def add(found) -> None:
        for ratio in found:
            job.ledger.note(ratio.sentence())
            job.ledger.metrics(0, {f"ratio/{ratio.case}, {ratio.peer}": ratio.row()["ratio_median"]})
            ratios.append(ratio)

    add(bench.mlm("small", spec.small))
    add(bench.lines(spec.small))
    add(bench.mpnet(spec.small))
    for objective, name in (("bart", "BART"), ("t5", "T5")):
        add(bench.denoising(spec.small, objective, name))
    if spec.large:
        add(bench.mlm("large", spec.large))
        add(bench.mpnet(spec.large))
    for count in sorted({1, threads}):
        add(
            [
                pretrain_data.packing_ratio(
                    bench.texts, blocks / "tokenizer", spec.small.length, processes=count, runs=spec.runs
                )
            ]
        )
    add([pretrain_data.start_ratio(blocks, spec.small, threads=threads, runs=spec.starts)])
    files = [timing.write(ratios, job.outputs["table"])]
    profile = pretrain_profile.table_of_parts(blocks, spec.small, threads)
    scaling = pretrain_scaling.table_of_times(bench, spec.models, spec.lengths, spec.parallel)
    for name, table in (("profile", profile), ("scaling", scaling)):
        table.to_csv(job.outputs[name], sep="\t", index=False, float_format="%.4g", lineterminator="\n")
        files.append(job.outputs[name])
    for path in files:
        job.ledger.artifact(path, "table")
    files.append(pretrain_scaling.draw(scaling, job.outputs["figure"]))
    job.ledger.artifact(files[-1], "figure")
    return files


if __name__ == "__main__":
    stage.main(BenchPretrainSpec, run, always=True)
