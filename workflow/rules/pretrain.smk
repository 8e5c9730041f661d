"""Pre-training: pack a corpus once, train a recipe, show the curves. `snakemake mpnet` makes MPNet's programme."""


localrules:
    mpnet,


rule mpnet:
    input:
        "results/tables/pretrain_mpnet.tsv",
        "results/figures/pretrain_mpnet_loss.svg",
        "results/figures/pretrain_mpnet_ranks.svg",


rule pack:
    input:
        corpus=lambda wildcards: RUNS.pack_corpus(wildcards.variant),
        tokenizer=lambda wildcards: RUNS.pack_tokenizer(wildcards.variant),
    output:
        "results/data/packed/{variant}/manifest.json",
    log:
        "logs/pack/{variant}.log",
    benchmark:
        "benchmarks/pack/{variant}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=lambda wildcards: RUNS.pack(wildcards.variant),
        code=code("pack"),
    message:
        "Tokenise and pack the corpus of {wildcards.variant} into fixed blocks"
    shell:
        "python -m scriptorium.stages.pack --spec {params.spec:q}"
        " --out results/data/packed/{wildcards.variant}"
        " --input corpus={input.corpus} tokenizer={input.tokenizer} --threads {threads} 2> {log}"


rule pretrain:
    input:
        blocks="results/data/packed/{variant}/manifest.json",
    output:
        "results/pretrain/{variant}/seed{seed}/manifest.json",
    log:
        "logs/pretrain/{variant}/seed{seed}.log",
    benchmark:
        "benchmarks/pretrain/{variant}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        spec=lambda wildcards: RUNS.pretrain(wildcards.variant, int(wildcards.seed)),
        code=code("pretrain"),
    message:
        "Pre-train {wildcards.variant}, seed {wildcards.seed} (progress: {log})"
    shell:
        "python -m scriptorium.stages.pretrain --spec {params.spec:q}"
        " --out results/pretrain/{wildcards.variant}/seed{wildcards.seed}"
        " --input blocks={input.blocks}"
        " --threads {threads} --runtime {resources.runtime} --gpus {resources.gpu} 2> {log}"


rule tabulate_pretrain:
    input:
        runs=[run.manifest for run in RUNS.pretraining],
    output:
        "results/runs/tables/pretrain/manifest.json",
        table=report(
            "results/tables/pretrain.tsv",
            caption="../report/pretrain_table.rst",
            category="3 Pre-training",
            labels={"show": "table"},
        ),
        figure=report(
            "results/figures/pretrain_loss.svg",
            caption="../report/pretrain_figure.rst",
            category="3 Pre-training",
            labels={"show": "loss curve"},
        ),
    log:
        "logs/tabulate_pretrain.log",
    benchmark:
        "benchmarks/tabulate_pretrain.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=RUNS.tabulate_pretrain(),
        code=code("tabulate_pretrain"),
    message:
        "Table and figure: pre-training curves"
    shell:
        "python -m scriptorium.stages.tabulate_pretrain --spec {params.spec:q}"
        " --out results/runs/tables/pretrain --input runs={input.runs}"
        " --output table={output.table} figure={output.figure} 2> {log}"


rule tabulate_mpnet:
    input:
        runs=[run.manifest for run in (*RUNS.pretraining, *RUNS.permuted)],
    output:
        "results/runs/tables/pretrain_mpnet/manifest.json",
        table=report(
            "results/tables/pretrain_mpnet.tsv",
            caption="../report/pretrain_table.rst",
            category="3 Pre-training",
            labels={"show": "MPNet, table"},
        ),
        figure=report(
            "results/figures/pretrain_mpnet_loss.svg",
            caption="../report/pretrain_figure.rst",
            category="3 Pre-training",
            labels={"show": "MPNet, loss curve"},
        ),
        ranks=report(
            "results/figures/pretrain_mpnet_ranks.svg",
            caption="../report/pretrain_mpnet_ranks.rst",
            category="3 Pre-training",
            labels={"show": "MPNet, loss by order of prediction"},
        ),
    log:
        "logs/tabulate_mpnet.log",
    benchmark:
        "benchmarks/tabulate_mpnet.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=RUNS.tabulate_pretrain(),
        code=code("tabulate_pretrain"),
    message:
        "Table and figures: MPNet, its ablations and BERT"
    shell:
        "python -m scriptorium.stages.tabulate_pretrain --spec {params.spec:q}"
        " --out results/runs/tables/pretrain_mpnet --input runs={input.runs}"
        " --output table={output.table} figure={output.figure} ranks={output.ranks} 2> {log}"
