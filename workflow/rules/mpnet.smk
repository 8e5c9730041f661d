"""MPNet's whole programme: what `snakemake mpnet` makes beyond the default target."""

MPNET = [
    *(f"results/tables/pretrain_{study}.tsv" for study in RUNS.pretraining_programme("mpnet")),
    *RUNS.figures(RUNS.programme("mpnet")),
    "results/tables/claims_mpnet.tsv",
]


localrules:
    mpnet,
    mpnet_tables,
    report_mpnet,
    mirror_mpnet,


rule mpnet:
    input:
        "results/report_mpnet.html",
        "results/mlflow/mpnet.json",


rule mpnet_tables:
    input:
        MPNET,


use rule report as report_mpnet with:
    input:
        MPNET,
    output:
        "results/report_mpnet.html",
    log:
        "logs/report_mpnet.log",
    params:
        target="mpnet_tables",
        spec=WHOLE_CONFIG,
        code=code_digest("scriptorium.reporting.report"),
    message:
        "Report on MPNet: one HTML file, readable without a network"


use rule mirror as mirror_mpnet with:
    input:
        "results/report_mpnet.html",
        MPNET,
    output:
        "results/mlflow/mpnet.json",
    log:
        "logs/mirror_mpnet.log",
    benchmark:
        "benchmarks/mirror_mpnet.tsv"
