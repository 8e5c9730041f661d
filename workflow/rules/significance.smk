"""Stage 0b of CogBERT: which linguistic features of words go with more or fewer fixations."""


rule significance:
    input:
        words=RUNS.gaze_words(CONFIG.gaze.scores_from),
    output:
        "results/runs/tables/significance/manifest.json",
        table=report(
            "results/gaze/significance.tsv",
            caption="../report/significance_table.rst",
            category="1 Gaze regressor",
            labels={"show": "features, table"},
        ),
        groups=report(
            "results/gaze/groups.tsv",
            caption="../report/significance_groups.rst",
            category="1 Gaze regressor",
            labels={"show": "feature groups, table"},
        ),
        figure=report(
            "results/figures/significance.svg",
            caption="../report/significance_figure.rst",
            category="1 Gaze regressor",
            labels={"show": "features, figure"},
        ),
    log:
        "logs/significance.log",
    benchmark:
        "benchmarks/significance.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("significance"),
        code=code_of("significance"),
    message:
        "Stage 0b: test 46 linguistic features of words against fixation counts"
    shell:
        "python -m scriptorium.stages.significance --spec {params.spec:q}"
        " --out results/runs/tables/significance --input words={input.words:q}"
        " --output table={output.table:q} groups={output.groups:q} figure={output.figure:q} 2> {log:q}"
