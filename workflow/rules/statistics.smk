"""Whether the statistics keep what they promise, on request: results/tables/statistics_check.tsv (docs/statistics.md)."""


rule check_statistics:
    output:
        "results/runs/tables/statistics_check/manifest.json",
        table="results/tables/statistics_check.tsv",
    log:
        "logs/check_statistics.log",
    benchmark:
        "benchmarks/check_statistics.tsv"
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        spec=spec_of("check_statistics"),
        code=code_of("check_statistics"),
    message:
        "Table: false positives, coverage and power of the statistics, simulated"
    shell:
        "python -m scriptorium.stages.check_statistics --spec {params.spec:q}"
        " --out results/runs/tables/statistics_check --output table={output.table:q} 2> {log:q}"
