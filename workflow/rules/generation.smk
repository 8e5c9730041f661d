"""Texts that pre-trained models write: prepare generation tasks, fine-tune and write, and the table of each study."""


rule prepare_generation:
    input:
        source=lambda wildcards: RUNS.generation_source(wildcards.generation),
        like=lambda wildcards: RUNS.generation_like(wildcards.generation),
    output:
        "results/data/generation/{generation}/manifest.json",
    log:
        "logs/prepare_generation/{generation}.log",
    benchmark:
        "benchmarks/prepare_generation/{generation}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=spec_of("prepare_generation"),
        code=code_of("prepare_generation"),
    message:
        "Generation task {wildcards.generation}: read, checked, split"
    shell:
        "python -m scriptorium.stages.prepare_generation --spec {params.spec:q}"
        " --out results/data/generation/{wildcards.generation:q}"
        " --input source={input.source:q} like={input.like:q} 2> {log:q}"


rule generate:
    input:
        data="results/data/generation/{generation}/manifest.json",
        backbone=lambda wildcards: RUNS.generate_backbone(wildcards.variant, int(wildcards.seed)),
    output:
        "results/generate/{variant}/{generation}/seed{seed}/manifest.json",
        "results/generate/{variant}/{generation}/seed{seed}/metrics.json",
        "results/generate/{variant}/{generation}/seed{seed}/hypotheses.parquet",
    log:
        "logs/generate/{variant}/{generation}/seed{seed}.log",
    benchmark:
        "benchmarks/generate/{variant}/{generation}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=0,
    params:
        spec=spec_of("generate"),
        code=code_of("generate"),
    message:
        "Write {wildcards.generation} with {wildcards.variant}, seed {wildcards.seed} (progress: {log})"
    shell:
        "python -m scriptorium.stages.generate --spec {params.spec:q}"
        " --out results/generate/{wildcards.variant:q}/{wildcards.generation:q}/seed{wildcards.seed:q}"
        " --input data={input.data:q} backbone={input.backbone:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_generation:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.generation_study(wildcards.study)],
    output:
        "results/runs/tables/generate_{study}/manifest.json",
        table=report(
            "results/tables/generate_{study}.tsv",
            caption="../report/generation_table.rst",
            category="6 Generation",
            labels={"study": "{study}", "show": "table"},
        ),
        page=report(
            "results/figures/generate_{study}.html",
            caption="../report/generation_samples.rst",
            category="6 Generation",
            labels={"study": "{study}", "show": "samples beside references"},
        ),
    log:
        "logs/tabulate_generation/{study}.log",
    benchmark:
        "benchmarks/tabulate_generation/{study}.tsv"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        spec=spec_of("tabulate_generation"),
        code=code_of("tabulate_generation"),
    message:
        "Table and samples: generation study {wildcards.study}, every variant against the baseline"
    shell:
        "python -m scriptorium.stages.tabulate_generation --spec {params.spec:q}"
        " --out results/runs/tables/generate_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} page={output.page:q} 2> {log:q}"
