"""Vectors of translations: prepare gold alignments, measure every encoder's words and texts, show table and figure."""


rule prepare_alignments:
    input:
        source=lambda wildcards: RUNS.alignments_source(wildcards.alignments),
    output:
        "results/data/alignments/{alignments}/manifest.json",
    log:
        "logs/prepare_alignments/{alignments}.log",
    benchmark:
        "benchmarks/prepare_alignments/{alignments}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    params:
        spec=spec_of("prepare_alignments"),
        code=code_of("prepare_alignments"),
    message:
        "Gold alignments {wildcards.alignments}: read, checked"
    shell:
        "python -m scriptorium.stages.prepare_alignments --spec {params.spec:q}"
        " --out results/data/alignments/{wildcards.alignments:q} --input source={input.source:q} 2> {log:q}"


rule measure_vectors:
    input:
        model=lambda wildcards: RUNS.backbone(wildcards.variant, int(wildcards.seed)),
        start=lambda wildcards: RUNS.vectors_start(wildcards.variant, int(wildcards.seed)),
        parallel=lambda wildcards: RUNS.vectors_parallel(wildcards.collection),
        dictionary=lambda wildcards: RUNS.vectors_dictionary(wildcards.collection),
        alignments=lambda wildcards: RUNS.vectors_alignments(wildcards.collection),
    output:
        "results/vectors/{variant}/{collection}/seed{seed}/manifest.json",
    log:
        "logs/measure_vectors/{variant}/{collection}/seed{seed}.log",
    benchmark:
        "benchmarks/measure_vectors/{variant}/{collection}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
        gpu=0,
    params:
        spec=spec_of("measure_vectors"),
        code=code_of("measure_vectors"),
    message:
        "Vectors of {wildcards.collection}: words and texts of {wildcards.variant}, seed {wildcards.seed}"
    shell:
        "python -m scriptorium.stages.measure_vectors --spec {params.spec:q}"
        " --out results/vectors/{wildcards.variant:q}/{wildcards.collection:q}/seed{wildcards.seed:q}"
        " --input model={input.model:q} start={input.start:q} parallel={input.parallel:q}"
        " dictionary={input.dictionary:q} alignments={input.alignments:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule tabulate_vectors:
    input:
        runs=lambda wildcards: [run.manifest for run in RUNS.vectors_of(wildcards.of_study)],
    output:
        "results/runs/tables/vectors{of_study}/manifest.json",
        table=report(
            "results/tables/vectors{of_study}.tsv",
            caption="../report/vectors_table.rst",
            category="3 Pre-training",
            labels={"show": "vectors{of_study}, table"},
        ),
        figure=report(
            "results/figures/vectors{of_study}.svg",
            caption="../report/vectors_figure.rst",
            category="3 Pre-training",
            labels={"show": "vectors{of_study}, figure"},
        ),
    log:
        "logs/tabulate_vectors/vectors{of_study}.log",
    benchmark:
        "benchmarks/tabulate_vectors/vectors{of_study}.tsv"
    wildcard_constraints:
        of_study="_[^/]+",
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=20,
    params:
        spec=spec_of("tabulate_vectors"),
        code=code_of("tabulate_vectors"),
    message:
        "Table and figure: vectors{wildcards.of_study}, every encoder beside the baseline"
    shell:
        "python -m scriptorium.stages.tabulate_vectors --spec {params.spec:q}"
        " --out results/runs/tables/vectors{wildcards.of_study:q} --input runs={input.runs:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"
