"""Tables of tasks in several languages."""


rule tabulate_languages:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.study(wildcards.study)],
    output:
        "results/runs/tables/languages_{study}/manifest.json",
        table=report(
            "results/tables/languages_{study}.tsv",
            caption="../report/languages.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "languages, table"},
        ),
        figure=report(
            "results/figures/languages_{study}.svg",
            caption="../report/languages.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "languages, figure"},
        ),
    log:
        "logs/tabulate_languages/{study}.log",
    benchmark:
        "benchmarks/tabulate_languages/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("tabulate_languages"),
        code=code_of("tabulate_languages"),
    message:
        "Study {wildcards.study}: every language of its tasks"
    shell:
        "python -m scriptorium.stages.tabulate_languages --spec {params.spec:q}"
        " --out results/runs/tables/languages_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"
