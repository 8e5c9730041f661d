"""Machine translation from pre-trained weights: train and translate, and the table of each study."""


rule translate:
    input:
        pairs=lambda wildcards: RUNS.translate_pairs(wildcards.translation),
        test=lambda wildcards: RUNS.translate_test(wildcards.translation),
        backbone=lambda wildcards: RUNS.translate_backbone(
            wildcards.variant, wildcards.translation, int(wildcards.seed)
        ),
        vocabulary=lambda wildcards: RUNS.translate_vocabulary(wildcards.variant),
    output:
        "results/translate/{variant}/{translation}/seed{seed}/manifest.json",
        "results/translate/{variant}/{translation}/seed{seed}/metrics.json",
        "results/translate/{variant}/{translation}/seed{seed}/hypotheses.parquet",
    log:
        "logs/translate/{variant}/{translation}/seed{seed}.log",
    benchmark:
        "benchmarks/translate/{variant}/{translation}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=0,
    params:
        spec=spec_of("translate"),
        code=code_of("translate"),
    message:
        "Translate {wildcards.translation} with {wildcards.variant}, seed {wildcards.seed} (progress: {log})"
    shell:
        "python -m scriptorium.stages.translate --spec {params.spec:q}"
        " --out results/translate/{wildcards.variant:q}/{wildcards.translation:q}/seed{wildcards.seed:q}"
        " --input pairs={input.pairs:q} backbone={input.backbone:q} test={input.test:q} vocabulary={input.vocabulary:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_translation:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.translation_study(wildcards.study)],
    output:
        "results/runs/tables/translation_{study}/manifest.json",
        table=report(
            "results/tables/translation_{study}.tsv",
            caption="../report/translation_table.rst",
            category="5 Translation",
            labels={"study": "{study}", "show": "table"},
        ),
    log:
        "logs/tabulate_translation/{study}.log",
    benchmark:
        "benchmarks/tabulate_translation/{study}.tsv"
    resources:
        mem_mb=1500,
        runtime=30,
    params:
        spec=spec_of("tabulate_translation"),
        code=code_of("tabulate_translation"),
    message:
        "Table: translation study {wildcards.study}, every variant against the baseline"
    shell:
        "python -m scriptorium.stages.tabulate_translation --spec {params.spec:q}"
        " --out results/runs/tables/translation_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} 2> {log:q}"
