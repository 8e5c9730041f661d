"""Zero-shot minimal pairs: prepare them, let every pre-trained model score them, show tables and figure."""


rule prepare_pairs:
    input:
        source=lambda wildcards: RUNS.pairs_source(wildcards.pairs),
    output:
        "results/data/minimal_pairs/{pairs}/manifest.json",
    log:
        "logs/prepare_pairs/{pairs}.log",
    benchmark:
        "benchmarks/prepare_pairs/{pairs}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=spec_of("prepare_pairs"),
        code=code_of("prepare_pairs"),
    message:
        "Minimal pairs {wildcards.pairs}: read or made, checked"
    shell:
        "python -m scriptorium.stages.prepare_pairs --spec {params.spec:q}"
        " --out results/data/minimal_pairs/{wildcards.pairs:q} --input source={input.source:q} 2> {log:q}"


rule score_pairs:
    input:
        model="results/pretrain/{variant}/seed{seed}/manifest.json",
        blocks=lambda wildcards: RUNS.pretrain_blocks(wildcards.variant),
        pairs="results/data/minimal_pairs/{pairs}/manifest.json",
    output:
        "results/minimal_pairs/{variant}/{pairs}/seed{seed}/manifest.json",
    log:
        "logs/score_pairs/{variant}/{pairs}/seed{seed}.log",
    benchmark:
        "benchmarks/score_pairs/{variant}/{pairs}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        spec=spec_of("score_pairs"),
        code=code_of("score_pairs"),
    message:
        "Minimal pairs {wildcards.pairs}: scored by {wildcards.variant}, seed {wildcards.seed}"
    shell:
        "python -m scriptorium.stages.score_pairs --spec {params.spec:q}"
        " --out results/minimal_pairs/{wildcards.variant:q}/{wildcards.pairs:q}/seed{wildcards.seed:q}"
        " --input model={input.model:q} blocks={input.blocks:q} pairs={input.pairs:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_pairs:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.pairs_of(wildcards.of_study)],
        data=lambda wildcards: RUNS.pairs_data(wildcards.of_study),
    output:
        "results/runs/tables/minimal_pairs{of_study}/manifest.json",
        table=report(
            "results/tables/minimal_pairs{of_study}.tsv",
            caption="../report/minimal_pairs_table.rst",
            category="3 Pre-training",
            labels={"show": "minimal pairs{of_study}, table"},
        ),
        phenomena=report(
            "results/tables/phenomena{of_study}.tsv",
            caption="../report/minimal_pairs_phenomena.rst",
            category="3 Pre-training",
            labels={"show": "minimal pairs{of_study}, by phenomenon"},
        ),
        figure=report(
            "results/figures/minimal_pairs{of_study}.svg",
            caption="../report/minimal_pairs_figure.rst",
            category="3 Pre-training",
            labels={"show": "minimal pairs{of_study}, figure"},
        ),
    log:
        "logs/tabulate_pairs/minimal_pairs{of_study}.log",
    benchmark:
        "benchmarks/tabulate_pairs/minimal_pairs{of_study}.tsv"
    wildcard_constraints:
        of_study="|_[^/]+",
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        spec=spec_of("tabulate_pairs"),
        code=code_of("tabulate_pairs"),
    message:
        "Tables and figure: minimal pairs{wildcards.of_study}, every model beside its controls"
    shell:
        "python -m scriptorium.stages.tabulate_pairs --spec {params.spec:q}"
        " --out results/runs/tables/minimal_pairs{wildcards.of_study:q}"
        " --input runs={input.runs:q} data={input.data:q}"
        " --output table={output.table:q} phenomena={output.phenomena:q} figure={output.figure:q} 2> {log:q}"
