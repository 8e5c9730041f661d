"""The programmes of the papers: `snakemake cogbert`, `snakemake mpnet`, and every other one that a study names.

A study of config.yaml belongs to a programme by its key `programme`; from that follow the targets here.
"""


localrules:
    report_programme,
    mirror_programme,


for programme in RUNS.programmes():

    rule:
        name:
            programme
        input:
            f"results/report_{programme}.html",
            f"results/mlflow/{programme}.json",
            RUNS.programme_models(programme),
            lambda _, of=programme: shown(workflow.rules, RUNS.programme_tables(of)),
        localrule: True

    rule:
        name:
            f"{programme}_tables"
        input:
            lambda _, of=programme: shown(workflow.rules, RUNS.programme_tables(of)),
        localrule: True


# The same two closing jobs as the default target's, over other tables.
use rule report as report_programme with:
    input:
        tables=lambda wildcards: RUNS.programme_tables(wildcards.programme),
        shown=lambda wildcards: shown(workflow.rules, RUNS.programme_tables(wildcards.programme)),
    output:
        "results/report_{programme}.html",
    log:
        "logs/report_{programme}.log",
    params:
        target=lambda wildcards: f"{wildcards.programme}_tables",
        spec=WHOLE_CONFIG,
        code=code_digest("scriptorium.reporting.report"),
    message:
        "Report on {wildcards.programme}: one HTML file, readable without a network"


use rule mirror as mirror_programme with:
    input:
        "results/report_{programme}.html",
        lambda wildcards: RUNS.programme_tables(wildcards.programme),
    output:
        "results/mlflow/{programme}.json",
    log:
        "logs/mirror_{programme}.log",
    benchmark:
        "benchmarks/mirror_{programme}.tsv"
