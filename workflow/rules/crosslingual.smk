"""Cross-lingual measures: ask every pre-trained model about held-out translations, show tables and figures."""


rule measure_crosslingual:
    input:
        model="results/pretrain/{variant}/seed{seed}/manifest.json",
        blocks=lambda wildcards: RUNS.pretrain_blocks(wildcards.variant),
        parallel=lambda wildcards: RUNS.crosslingual_parallel(),
        dictionary=lambda wildcards: RUNS.crosslingual_dictionary(),
    output:
        "results/crosslingual/{variant}/seed{seed}/manifest.json",
    log:
        "logs/measure_crosslingual/{variant}/seed{seed}.log",
    benchmark:
        "benchmarks/measure_crosslingual/{variant}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    params:
        spec=spec_of("measure_crosslingual"),
        code=code_of("measure_crosslingual"),
    message:
        "Cross-lingual measures of {wildcards.variant}, seed {wildcards.seed}: gain, matching, words"
    shell:
        "python -m scriptorium.stages.measure_crosslingual --spec {params.spec:q}"
        " --out results/crosslingual/{wildcards.variant:q}/seed{wildcards.seed:q}"
        " --input model={input.model:q} blocks={input.blocks:q} parallel={input.parallel:q}"
        " dictionary={input.dictionary:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_crosslingual:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.crosslingual_of(wildcards.of_study)],
    output:
        "results/runs/tables/crosslingual{of_study}/manifest.json",
        table=report(
            "results/tables/crosslingual{of_study}.tsv",
            caption="../report/crosslingual_table.rst",
            category="3 Pre-training",
            labels={"show": "translations{of_study}, table"},
        ),
        figure=report(
            "results/figures/crosslingual{of_study}.svg",
            caption="../report/crosslingual_figure.rst",
            category="3 Pre-training",
            labels={"show": "translations{of_study}, figure"},
        ),
        example=report(
            "results/figures/alignment{of_study}.svg",
            caption="../report/crosslingual_example.rst",
            category="3 Pre-training",
            labels={"show": "translations{of_study}, one pair word by word"},
        ),
    log:
        "logs/tabulate_crosslingual/crosslingual{of_study}.log",
    benchmark:
        "benchmarks/tabulate_crosslingual/crosslingual{of_study}.tsv"
    wildcard_constraints:
        of_study="_[^/]+",
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        spec=spec_of("tabulate_crosslingual"),
        code=code_of("tabulate_crosslingual"),
    message:
        "Table and figures: cross-lingual measures{wildcards.of_study}, every variant beside the baseline"
    shell:
        "python -m scriptorium.stages.tabulate_crosslingual --spec {params.spec:q}"
        " --out results/runs/tables/crosslingual{wildcards.of_study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} example={output.example:q} 2> {log:q}"
