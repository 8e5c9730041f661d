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
    threads: workflow.cores
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        spec=RUNS.bench_cogbert(),
        code=code("bench_cogbert"),
    message:
        "Bench: a CogBERT step beside a plain step, annotation beside a bare spaCy pipe"
    shell:
        "python -m scriptorium.stages.bench_cogbert --spec {params.spec:q}"
        " --out results/runs/bench/cogbert --input data={input.data}"
        " --output table={output.table} --threads {threads} 2> {log}"
