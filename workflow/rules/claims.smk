"""What the papers claim beside what the configured runs show: results/tables/claims.tsv, made on request."""


rule tabulate_claims:
    input:
        runs=[run.manifest for run in RUNS.claimed()],
    output:
        "results/runs/tables/claims/manifest.json",
        table=report(
            "results/tables/claims.tsv",
            caption="../report/claims_table.rst",
            category="4 Claims",
            labels={"show": "table"},
        ),
        figure=report(
            "results/figures/claims.svg",
            caption="../report/claims_figure.rst",
            category="4 Claims",
            labels={"show": "figure"},
        ),
    log:
        "logs/tabulate_claims.log",
    benchmark:
        "benchmarks/tabulate_claims.tsv"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=RUNS.tabulate_claims(),
        code=code("tabulate_claims"),
    message:
        "Table and figure: the papers' claims, their numbers, ours, and a verdict for each"
    shell:
        "python -m scriptorium.stages.tabulate_claims --spec {params.spec:q} --out results/runs/tables/claims"
        " --input runs={input.runs} --output table={output.table} figure={output.figure} 2> {log}"
