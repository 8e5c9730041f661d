"""Pre-training: pack a corpus once, link synonyms, train a recipe, show the curves, compare variants."""


rule pack:
    input:
        corpus=lambda wildcards: RUNS.pack_corpus(wildcards.blocks),
        tokenizer=lambda wildcards: RUNS.pack_tokenizer(wildcards.blocks),
    output:
        "results/data/packed/{blocks}/manifest.json",
    log:
        "logs/pack/{blocks}.log",
    benchmark:
        "benchmarks/pack/{blocks}.tsv"
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("pack"),
        code=code_of("pack"),
    message:
        "Tokenise and pack {wildcards.blocks}"
    shell:
        "python -m scriptorium.stages.pack --spec {params.spec:q}"
        " --out results/data/packed/{wildcards.blocks:q}"
        " --input corpus={input.corpus:q} tokenizer={input.tokenizer:q} --threads {threads:q}"
        " --runtime {resources.runtime:q} 2> {log:q}"


rule pack_pairs:
    input:
        corpus=lambda wildcards: RUNS.pack_pairs_corpus(wildcards.blocks),
        parallel=lambda wildcards: RUNS.pack_pairs_parallel(wildcards.blocks),
        tokenizer=lambda wildcards: RUNS.pack_pairs_tokenizer(wildcards.blocks),
    output:
        "results/data/packed_pairs/{blocks}/manifest.json",
    log:
        "logs/pack_pairs/{blocks}.log",
    benchmark:
        "benchmarks/pack_pairs/{blocks}.tsv"
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("pack_pairs"),
        code=code_of("pack_pairs"),
    message:
        "Tokenise documents and pairs, and pack them into blocks of two sides: {wildcards.blocks}"
    shell:
        "python -m scriptorium.stages.pack_pairs --spec {params.spec:q}"
        " --out results/data/packed_pairs/{wildcards.blocks:q} --input corpus={input.corpus:q}"
        " parallel={input.parallel:q} tokenizer={input.tokenizer:q} --threads {threads:q}"
        " --runtime {resources.runtime:q} 2> {log:q}"


rule link_words:
    input:
        blocks=lambda wildcards: RUNS.links_blocks(wildcards.links),
        dictionary=lambda wildcards: RUNS.links_dictionary(wildcards.links),
    output:
        "results/data/links/{links}/manifest.json",
    log:
        "logs/link_words/{links}.log",
    benchmark:
        "benchmarks/link_words/{links}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("link_words"),
        code=code_of("link_words"),
    message:
        "Link synonyms in packed pairs: {wildcards.links}"
    shell:
        "python -m scriptorium.stages.link_words --spec {params.spec:q}"
        " --out results/data/links/{wildcards.links:q}"
        " --input blocks={input.blocks:q} dictionary={input.dictionary:q} 2> {log:q}"


rule pretrain:
    input:
        blocks=lambda wildcards: RUNS.pretrain_blocks(wildcards.variant),
        links=lambda wildcards: RUNS.pretrain_links(wildcards.variant),
        start=lambda wildcards: RUNS.pretrain_start(wildcards.variant, int(wildcards.seed)),
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
        processes=1,  # that train together; with GPUs, one for each
        nodes=1,  # machines that share them; more with Slurm alone
        gpu_memory=0,  # GiB of a GPU: what does not fit is refused while the DAG is built; 0: not looked at
        micro_batch="",  # examples that a process has at once; empty: its whole share of a batch; auto: as fit the GPU
        precision="auto",  # of matrix products: auto, fp32, bf16, fp16
        options="",  # such as "--compile --workers 2": how to train, never what
    params:
        spec=spec_of("pretrain"),
        code=code_of("pretrain"),
    message:
        "Pre-train {wildcards.variant}, seed {wildcards.seed} (progress: {log})"
    shell:
        "python -m scriptorium.stages.pretrain --spec {params.spec:q}"
        " --out results/pretrain/{wildcards.variant:q}/seed{wildcards.seed:q}"
        " --input blocks={input.blocks:q} links={input.links:q} start={input.start:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q}"
        " --processes {resources.processes:q} --nodes {resources.nodes:q}"
        " --micro-batch={resources.micro_batch:q} --precision {resources.precision:q}"
        " --options={resources.options:q} 2> {log:q}"


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
        spec=spec_of("tabulate_pretrain"),
        code=code_of("tabulate_pretrain"),
    message:
        "Table and figure: pre-training curves"
    shell:
        "python -m scriptorium.stages.tabulate_pretrain --spec {params.spec:q}"
        " --out results/runs/tables/pretrain --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"


rule compare_pretrain:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.pretraining_study(wildcards.study)],
    output:
        "results/runs/tables/pretrain_{study}/manifest.json",
        table=report(
            "results/tables/pretrain_{study}.tsv",
            caption="../report/compare_pretrain_table.rst",
            category="3 Pre-training",
            labels={"show": "{study}, table"},
        ),
        figure=report(
            "results/figures/pretrain_{study}_loss.svg",
            caption="../report/compare_pretrain_figure.rst",
            category="3 Pre-training",
            labels={"show": "{study}, held-out loss"},
        ),
        ranks=report(
            "results/figures/pretrain_{study}_ranks.svg",
            caption="../report/pretrain_ranks.rst",
            category="3 Pre-training",
            labels={"show": "{study}, loss by order of prediction"},
        ),
        order=report(
            "results/tables/order_{study}.tsv",
            caption="../report/pretrain_order.rst",
            category="3 Pre-training",
            labels={"show": "{study}, loss by order of prediction, table"},
        ),
    log:
        "logs/compare_pretrain/{study}.log",
    benchmark:
        "benchmarks/compare_pretrain/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("compare_pretrain"),
        code=code_of("compare_pretrain"),
    message:
        "Table and figures: pre-training study {wildcards.study}, every variant against the baseline"
    shell:
        "python -m scriptorium.stages.compare_pretrain --spec {params.spec:q}"
        " --out results/runs/tables/pretrain_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} ranks={output.ranks:q}"
        " order={output.order:q} 2> {log:q}"


rule draw_objectives:
    output:
        "results/runs/figures/objectives_{study}/manifest.json",
        page=report(
            "results/figures/objectives_{study}.html",
            caption="../report/objectives_page.rst",
            category="3 Pre-training",
            labels={"show": "{study}, what the objectives see and predict"},
        ),
    log:
        "logs/draw_objectives/{study}.log",
    benchmark:
        "benchmarks/draw_objectives/{study}.tsv"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        spec=spec_of("draw_objectives"),
        code=code_of("draw_objectives"),
    message:
        "Page: the objectives of study {wildcards.study}, what they see and predict"
    shell:
        "python -m scriptorium.stages.draw_objectives --spec {params.spec:q}"
        " --out results/runs/figures/objectives_{wildcards.study:q} --output page={output.page:q}"
        " --threads {threads:q} 2> {log:q}"
