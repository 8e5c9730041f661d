"""Bits per byte: every pre-trained model scores the same held-out sentences, show the table."""


rule score_texts:
    input:
        model="results/pretrain/{variant}/seed{seed}/manifest.json",
        blocks=lambda wildcards: RUNS.pretrain_blocks(wildcards.variant),
        corpus=lambda wildcards: RUNS.texts_corpus(),
    output:
        "results/bits_per_byte/{variant}/seed{seed}/manifest.json",
    log:
        "logs/score_texts/{variant}/seed{seed}.log",
    benchmark:
        "benchmarks/score_texts/{variant}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        spec=spec_of("score_texts"),
        code=code_of("score_texts"),
    message:
        "Bits per byte of held-out sentences: {wildcards.variant}, seed {wildcards.seed}"
    shell:
        "python -m scriptorium.stages.score_texts --spec {params.spec:q}"
        " --out results/bits_per_byte/{wildcards.variant:q}/seed{wildcards.seed:q}"
        " --input model={input.model:q} blocks={input.blocks:q} corpus={input.corpus:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_texts:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.texts_of(wildcards.of_study)],
    output:
        "results/runs/tables/bits_per_byte{of_study}/manifest.json",
        table=report(
            "results/tables/bits_per_byte{of_study}.tsv",
            caption="../report/bits_per_byte_table.rst",
            category="3 Pre-training",
            labels={"show": "bits per byte{of_study}, table"},
        ),
    log:
        "logs/tabulate_texts/bits_per_byte{of_study}.log",
    benchmark:
        "benchmarks/tabulate_texts/bits_per_byte{of_study}.tsv"
    wildcard_constraints:
        of_study="_[^/]+",
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        spec=spec_of("tabulate_texts"),
        code=code_of("tabulate_texts"),
    message:
        "Table: bits per byte{wildcards.of_study}, every model beside its controls"
    shell:
        "python -m scriptorium.stages.tabulate_texts --spec {params.spec:q}"
        " --out results/runs/tables/bits_per_byte{wildcards.of_study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} 2> {log:q}"
