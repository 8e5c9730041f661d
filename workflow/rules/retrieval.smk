"""Sentence retrieval: prepare sets, let every encoder find translations by its vectors, show the table."""


rule prepare_retrieval:
    input:
        source=lambda wildcards: RUNS.retrieval_source(wildcards.collection),
        trained_on=lambda wildcards: RUNS.retrieval_trained_on(wildcards.collection),
    output:
        "results/data/retrieval/{collection}/manifest.json",
    log:
        "logs/prepare_retrieval/{collection}.log",
    benchmark:
        "benchmarks/prepare_retrieval/{collection}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=spec_of("prepare_retrieval"),
        code=code_of("prepare_retrieval"),
    message:
        "Retrieval set {wildcards.collection}: read, checked"
    shell:
        "python -m scriptorium.stages.prepare_retrieval --spec {params.spec:q}"
        " --out results/data/retrieval/{wildcards.collection:q}"
        " --input source={input.source:q} trained_on={input.trained_on:q} 2> {log:q}"


rule retrieve:
    input:
        model=lambda wildcards: RUNS.backbone(wildcards.variant, int(wildcards.seed)),
        data="results/data/retrieval/{collection}/manifest.json",
    output:
        "results/retrieval/{variant}/{collection}/seed{seed}/manifest.json",
    log:
        "logs/retrieve/{variant}/{collection}/seed{seed}.log",
    benchmark:
        "benchmarks/retrieve/{variant}/{collection}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        spec=spec_of("retrieve"),
        code=code_of("retrieve"),
    message:
        "Retrieval set {wildcards.collection}: searched by {wildcards.variant}, seed {wildcards.seed}"
    shell:
        "python -m scriptorium.stages.retrieve --spec {params.spec:q}"
        " --out results/retrieval/{wildcards.variant:q}/{wildcards.collection:q}/seed{wildcards.seed:q}"
        " --input model={input.model:q} data={input.data:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_retrieval:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.retrieval_of(wildcards.of_study)],
    output:
        "results/runs/tables/retrieval{of_study}/manifest.json",
        table=report(
            "results/tables/retrieval{of_study}.tsv",
            caption="../report/retrieval_table.rst",
            category="3 Pre-training",
            labels={"show": "retrieval{of_study}, table"},
        ),
    log:
        "logs/tabulate_retrieval/retrieval{of_study}.log",
    benchmark:
        "benchmarks/tabulate_retrieval/retrieval{of_study}.tsv"
    wildcard_constraints:
        of_study="|_[^/]+",
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=20,
    params:
        spec=spec_of("tabulate_retrieval"),
        code=code_of("tabulate_retrieval"),
    message:
        "Table: retrieval{wildcards.of_study}, every encoder beside random weights"
    shell:
        "python -m scriptorium.stages.tabulate_retrieval --spec {params.spec:q}"
        " --out results/runs/tables/retrieval{wildcards.of_study:q}"
        " --input runs={input.runs:q} --output table={output.table:q} 2> {log:q}"
