"""Tables and figures that CogBERT's studies ask for beside the usual ones."""


rule tabulate_boundary:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.study(wildcards.study)],
    output:
        "results/runs/tables/boundary_{study}/manifest.json",
        table=report(
            "results/tables/boundary_{study}.tsv",
            caption="../report/boundary.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "boundary, table"},
        ),
        figure=report(
            "results/figures/boundary_{study}.svg",
            caption="../report/boundary.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "boundary, figure"},
        ),
    log:
        "logs/tabulate_boundary/{study}.log",
    benchmark:
        "benchmarks/tabulate_boundary/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("tabulate_boundary"),
        code=code_of("tabulate_boundary"),
    message:
        "Boundary sweep of {wildcards.study}: how many layers get word-level features"
    shell:
        "python -m scriptorium.stages.tabulate_boundary --spec {params.spec:q}"
        " --out results/runs/tables/boundary_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"


rule tabulate_dose:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.study(wildcards.study)],
    output:
        "results/runs/tables/dose_{study}/manifest.json",
        table=report(
            "results/tables/dose_{study}.tsv",
            caption="../report/dose.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "dose, table"},
        ),
        figure=report(
            "results/figures/dose_{study}.svg",
            caption="../report/dose.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "dose, figure"},
        ),
    log:
        "logs/tabulate_dose/{study}.log",
    benchmark:
        "benchmarks/tabulate_dose/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("tabulate_dose"),
        code=code_of("tabulate_dose"),
    message:
        "Dose study {wildcards.study}: how far does the fusion act?"
    shell:
        "python -m scriptorium.stages.tabulate_dose --spec {params.spec:q}"
        " --out results/runs/tables/dose_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"


rule tabulate_weights:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.fused(wildcards.study)],
    output:
        "results/runs/tables/feature_weights_{study}/manifest.json",
        table=report(
            "results/tables/feature_weights_{study}.tsv",
            caption="../report/feature_weights.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "feature weights, table"},
        ),
        figure=report(
            "results/figures/feature_weights_{study}.svg",
            caption="../report/feature_weights.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "feature weights, figure"},
        ),
    log:
        "logs/tabulate_weights/{study}.log",
    benchmark:
        "benchmarks/tabulate_weights/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("tabulate_weights"),
        code=code_of("tabulate_weights"),
    message:
        "Feature weights of {wildcards.study}, every layer and task"
    shell:
        "python -m scriptorium.stages.tabulate_weights --spec {params.spec:q}"
        " --out results/runs/tables/feature_weights_{wildcards.study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"


rule tabulate_reading:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.reading(wildcards.study)],
        data=lambda wildcards: RUNS.reading_data(wildcards.study),
    output:
        "results/runs/tables/reading_{study}/manifest.json",
        table=report(
            "results/tables/reading_{study}.tsv",
            caption="../report/reading.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "eye tracking, table"},
        ),
        figure=report(
            "results/figures/reading_{study}.svg",
            caption="../report/reading.rst",
            category="2 Fine-tuning",
            subcategory="{study}",
            labels={"study": "{study}", "show": "eye tracking, figure"},
        ),
    log:
        "logs/tabulate_reading/{study}.log",
    benchmark:
        "benchmarks/tabulate_reading/{study}.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("tabulate_reading"),
        code=code_of("tabulate_reading"),
    message:
        "Eye-tracking prediction of {wildcards.study}, beside word length alone"
    shell:
        "python -m scriptorium.stages.tabulate_reading --spec {params.spec:q}"
        " --out results/runs/tables/reading_{wildcards.study:q} --input runs={input.runs:q} data={input.data:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"
