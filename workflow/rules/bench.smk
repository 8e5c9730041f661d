"""Speed beside a peer, interleaved in one run. Run it on a machine that does nothing else."""


rule bench_cogbert:
    input:
        "results/bench/cogbert.tsv",


rule time_cogbert:
    input:
        data=f"results/data/{next(iter(CONFIG.tasks))}/manifest.json",
    output:
        "results/runs/bench/cogbert/manifest.json",
        table="results/bench/cogbert.tsv",
    log:
        "logs/bench_cogbert.log",
    benchmark:
        "benchmarks/bench_cogbert.tsv"
    threads: BENCH_THREADS
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        spec=spec_of("bench_cogbert"),
        code=code_of("bench_cogbert"),
    message:
        "Bench: a CogBERT step beside a plain step, annotation beside a bare spaCy pipe"
    shell:
        "python -m scriptorium.stages.bench_cogbert --spec {params.spec:q}"
        " --out results/runs/bench/cogbert --input data={input.data:q}"
        " --output table={output.table:q} --threads {threads:q} 2> {log:q}"


rule bench_pretrain:
    input:
        "results/bench/pretrain.tsv",
        "results/bench/pretrain_profile.tsv",
        "results/bench/pretrain_scaling.tsv",
        "results/bench/pretrain_scaling.svg",


rule time_pretrain:
    input:
        blocks=lambda _: RUNS.bench_blocks(),
        corpus=lambda _: RUNS.bench_corpus(),
    output:
        "results/runs/bench/pretrain/manifest.json",
        table="results/bench/pretrain.tsv",
        profile="results/bench/pretrain_profile.tsv",
        scaling="results/bench/pretrain_scaling.tsv",
        figure="results/bench/pretrain_scaling.svg",
    log:
        "logs/bench_pretrain.log",
    benchmark:
        "benchmarks/bench_pretrain.tsv"
    threads: BENCH_THREADS
    resources:
        mem_mb=12000,
        runtime=60,
        gpu=0,
    params:
        spec=spec_of("bench_pretrain"),
        code=code_of("bench_pretrain"),
    message:
        "Bench: our pre-training beside transformers' own, MPNet beside MLM, packing, start, scaling"
    shell:
        "python -m scriptorium.stages.bench_pretrain --spec {params.spec:q}"
        " --out results/runs/bench/pretrain --input blocks={input.blocks:q} corpus={input.corpus:q}"
        " --output table={output.table:q} profile={output.profile:q} scaling={output.scaling:q} figure={output.figure:q}"
        " --threads {threads:q} --gpus {resources.gpu:q} 2> {log:q}"


rule bench_crosslingual:
    input:
        "results/bench/crosslingual.tsv",


rule time_crosslingual:
    input:
        parallel=lambda _: RUNS.bench_parallel(),
        dictionary=lambda _: RUNS.bench_dictionary(),
    output:
        "results/runs/bench/crosslingual/manifest.json",
        table="results/bench/crosslingual.tsv",
    log:
        "logs/bench_crosslingual.log",
    benchmark:
        "benchmarks/bench_crosslingual.tsv"
    threads: BENCH_THREADS
    resources:
        mem_mb=5000,
        runtime=60,
    params:
        spec=spec_of("bench_crosslingual"),
        code=code_of("bench_crosslingual"),
    message:
        "Bench: steps of VECO and VECO 2.0, beam search, nearest texts, synonyms, each beside a peer or a limit"
    shell:
        "python -m scriptorium.stages.bench_crosslingual --spec {params.spec:q}"
        " --out results/runs/bench/crosslingual"
        " --input parallel={input.parallel:q} dictionary={input.dictionary:q}"
        " --output table={output.table:q} --threads {threads:q} 2> {log:q}"
