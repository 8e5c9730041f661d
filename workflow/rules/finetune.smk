"""Fine-tuning of any backbone, plain or with cognition, and the tables and figures of each study."""


rule finetune:
    input:
        data="results/data/{task}/manifest.json",
        backbone=lambda wildcards: RUNS.finetune_backbone(wildcards.variant, int(wildcards.seed)),
        annotations=lambda wildcards: RUNS.finetune_annotations(wildcards.variant, wildcards.task),
    output:
        "results/finetune/{variant}/{task}/seed{seed}/manifest.json",
        "results/finetune/{variant}/{task}/seed{seed}/metrics.json",
        "results/finetune/{variant}/{task}/seed{seed}/predictions.parquet",
    log:
        "logs/finetune/{variant}/{task}/seed{seed}.log",
    benchmark:
        "benchmarks/finetune/{variant}/{task}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
        micro_batch="",  # examples at once; empty: a whole batch
        precision="auto",  # of matrix products: auto, fp32, bf16, fp16
    params:
        spec=spec_of("finetune"),
        code=code_of("finetune"),
    message:
        "Fine-tune {wildcards.variant} on {wildcards.task}, seed {wildcards.seed} (progress: {log})"
    shell:
        "python -m scriptorium.stages.finetune --spec {params.spec:q}"
        " --out results/finetune/{wildcards.variant:q}/{wildcards.task:q}/seed{wildcards.seed:q}"
        " --input data={input.data:q} backbone={input.backbone:q} annotations={input.annotations:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q}"
        " --micro-batch={resources.micro_batch:q} --precision {resources.precision:q} 2> {log:q}"


rule tabulate_finetune:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.study(wildcards.study)],
    output:
        "results/runs/tables/finetune_{study}/manifest.json",
        table=report(
            "results/tables/finetune_{study}.tsv",
            caption="../report/finetune_table.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "table"},
        ),
        figure=report(
            "results/figures/finetune_{study}.svg",
            caption="../report/finetune_figure.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "figure"},
        ),
    log:
        "logs/tabulate_finetune/{study}.log",
    benchmark:
        "benchmarks/tabulate_finetune/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        spec=spec_of("tabulate_finetune"),
        code=code_of("tabulate_finetune"),
    message:
        "Table and figure: study {wildcards.study}, every variant against the baseline"
    shell:
        "python -m scriptorium.stages.tabulate_finetune --spec {params.spec:q}"
        " --out results/runs/tables/finetune_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"


rule tabulate_protocols:
    input:
        ours=lambda wildcards: [run.manifest for run in RUNS.beside_ours(wildcards.study)],
        paper=lambda wildcards: [run.manifest for run in RUNS.study(wildcards.study)],
    output:
        "results/runs/tables/protocols_{study}/manifest.json",
        table=report(
            "results/tables/protocols_{study}.tsv",
            caption="../report/protocols.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "protocols, table"},
        ),
    log:
        "logs/tabulate_protocols/{study}.log",
    benchmark:
        "benchmarks/tabulate_protocols/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        spec=spec_of("tabulate_protocols"),
        code=code_of("tabulate_protocols"),
    message:
        "Study {wildcards.study}: the papers' protocol beside ours"
    shell:
        "python -m scriptorium.stages.tabulate_protocols --spec {params.spec:q}"
        " --out results/runs/tables/protocols_{wildcards.study:q} --input ours={input.ours:q} paper={input.paper:q}"
        " --output table={output.table:q} 2> {log:q}"


rule attention_maps:
    input:
        models=[run.manifest for run in RUNS.attention_runs()],
        words=RUNS.attention_words(),
        annotations=RUNS.attention_annotations(),
    output:
        "results/runs/figures/attention/manifest.json",
        page=report(
            "results/figures/attention.html",
            caption="../report/attention.rst",
            category="2 Fine-tuning",
            subcategory="attention",
            labels={"study": "attention beside human fixations", "show": "page"},
        ),
        figure=report(
            "results/figures/attention.svg",
            caption="../report/attention.rst",
            category="2 Fine-tuning",
            subcategory="attention",
            labels={"study": "attention beside human fixations", "show": "figure"},
        ),
    log:
        "logs/attention_maps.log",
    benchmark:
        "benchmarks/attention_maps.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=30,
    params:
        spec=spec_of("attention_maps"),
        code=code_of("attention_maps"),
    message:
        "Attention maps: plain encoder, CogBERT and human fixations side by side"
    shell:
        "python -m scriptorium.stages.attention_maps --spec {params.spec:q}"
        " --out results/runs/figures/attention --input models={input.models:q}"
        " words={input.words:q} annotations={input.annotations:q}"
        " --output page={output.page:q} figure={output.figure:q} --threads {threads:q} 2> {log:q}"
