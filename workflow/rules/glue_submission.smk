"""GLUE's test files as its server takes them, predicted by the models of the studies that ask for it."""


localrules:
    glue_submission,


rule glue_submission:
    input:
        lambda wildcards: RUNS.submissions(),


rule predict_glue:
    input:
        runs=lambda wildcards: [
            run.manifest for run in RUNS.submitted(wildcards.study, wildcards.variant)
        ],
        sources=lambda wildcards: RUNS.submission_sources(wildcards.study),
    output:
        "results/glue_submission/{study}/{variant}/manifest.json",
        "results/glue_submission/{study}/{variant}/submission.zip",
    log:
        "logs/predict_glue/{study}/{variant}.log",
    benchmark:
        "benchmarks/predict_glue/{study}/{variant}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
        gpu=0,
    params:
        spec=spec_of("predict_glue"),
        code=code_of("predict_glue"),
    message:
        "GLUE's test files by {wildcards.variant} of study {wildcards.study}: the median seed of each task"
    shell:
        "python -m scriptorium.stages.predict_glue --spec {params.spec:q}"
        " --out results/glue_submission/{wildcards.study:q}/{wildcards.variant:q}"
        " --input runs={input.runs:q} sources={input.sources:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"
