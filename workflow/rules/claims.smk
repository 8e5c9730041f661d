"""What the papers claim beside what the configured runs show, on request: results/tables/claims.tsv for all papers,
claims_cogbert.tsv and the like for the claims of one programme, from its own studies.
"""


rule tabulate_claims:
    input:
        finetune=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "finetune"),
        translate=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "translate"),
        generate=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "generate"),
        retrieve=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "retrieve"),
        measure_vectors=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "measure_vectors"),
        probe=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "probe"),
        score_pairs=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "score_pairs"),
        score_texts=lambda wildcards: RUNS.claimed_manifests(wildcards.of, "score_texts"),
    output:
        "results/runs/tables/claims{of}/manifest.json",
        table=report(
            "results/tables/claims{of}.tsv",
            caption="../report/claims_table.rst",
            category="4 Claims",
            labels={"show": "table"},
        ),
        figure=report(
            "results/figures/claims{of}.svg",
            caption="../report/claims_figure.rst",
            category="4 Claims",
            labels={"show": "figure"},
        ),
    log:
        "logs/tabulate_claims{of}.log",
    benchmark:
        "benchmarks/tabulate_claims{of}.tsv"
    wildcard_constraints:
        of=r"|_[a-z0-9]+",
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=spec_of("tabulate_claims"),
        code=code_of("tabulate_claims"),
    message:
        "Table and figure: the papers' claims{wildcards.of}, their numbers, ours, and a verdict for each"
    shell:
        "python -m scriptorium.stages.tabulate_claims --spec {params.spec:q}"
        " --out results/runs/tables/claims{wildcards.of:q}"
        " --input finetune={input.finetune:q} translate={input.translate:q}"
        " generate={input.generate:q} retrieve={input.retrieve:q}"
        " measure_vectors={input.measure_vectors:q} probe={input.probe:q}"
        " score_pairs={input.score_pairs:q} score_texts={input.score_texts:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"
