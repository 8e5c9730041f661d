"""Few labels, much text: a linear probe on every pre-trained encoder, and the learning curve."""


rule probe:
    input:
        model="results/pretrain/{variant}/seed{seed}/manifest.json",
        data="results/data/{task}/manifest.json",
    output:
        "results/probe/{variant}/{task}/seed{seed}/manifest.json",
    log:
        "logs/probe/{variant}/{task}/seed{seed}.log",
    benchmark:
        "benchmarks/probe/{variant}/{task}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    params:
        spec=spec_of("probe"),
        code=code_of("probe"),
    message:
        "Few labels: probe {wildcards.variant} on {wildcards.task}, seed {wildcards.seed}"
    shell:
        "python -m scriptorium.stages.probe --spec {params.spec:q}"
        " --out results/probe/{wildcards.variant:q}/{wildcards.task:q}/seed{wildcards.seed:q}"
        " --input model={input.model:q} data={input.data:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_few_labels:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.probes_of(wildcards.of_study)],
        finetuned=lambda wildcards: [run.manifest for run in RUNS.few_finetuned(wildcards.of_study)],
    output:
        "results/runs/tables/few_labels{of_study}/manifest.json",
        table=report(
            "results/tables/few_labels{of_study}.tsv",
            caption="../report/few_labels_table.rst",
            category="3 Pre-training",
            labels={"show": "few labels{of_study}, table"},
        ),
        figure=report(
            "results/figures/few_labels{of_study}.svg",
            caption="../report/few_labels_figure.rst",
            category="3 Pre-training",
            labels={"show": "few labels{of_study}, learning curve"},
        ),
    log:
        "logs/tabulate_few_labels/few_labels{of_study}.log",
    benchmark:
        "benchmarks/tabulate_few_labels/few_labels{of_study}.tsv"
    wildcard_constraints:
        of_study="|_[^/]+",
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        spec=spec_of("tabulate_few_labels"),
        code=code_of("tabulate_few_labels"),
    message:
        "Table and figure: few labels{wildcards.of_study}, every encoder beside its controls"
    shell:
        "python -m scriptorium.stages.tabulate_few_labels --spec {params.spec:q}"
        " --out results/runs/tables/few_labels{wildcards.of_study:q}"
        " --input runs={input.runs:q} finetuned={input.finetuned:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"
