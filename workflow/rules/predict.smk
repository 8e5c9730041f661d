"""The gaze predictors for any text, corpora left out, and the CMCL 2021 table: made on request, by their paths."""


rule train_predictor:
    input:
        words=lambda wildcards: RUNS.predictor_words(),
        backbone=lambda wildcards: RUNS.predictor_backbone(),
    output:
        "results/gaze/predictor/manifest.json",
    log:
        "logs/train_predictor.log",
    benchmark:
        "benchmarks/train_predictor.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("train_predictor"),
        code=code_of("train_predictor"),
    message:
        "Train the gaze predictor: encoders and boosting, cross-fitted"
    shell:
        "python -m scriptorium.stages.train_predictor --spec {params.spec:q} --out results/gaze/predictor"
        " --input words={input.words:q} backbone={input.backbone:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} 2> {log:q}"


rule gaze_surprisal:
    input:
        words="results/gaze/corpora/{corpus}/manifest.json",
        model=lambda wildcards: RUNS.surprisal_model(),
    output:
        "results/gaze/surprisal/{corpus}/manifest.json",
    log:
        "logs/gaze_surprisal/{corpus}.log",
    benchmark:
        "benchmarks/gaze_surprisal/{corpus}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("gaze_surprisal"),
        code=code_of("gaze_surprisal"),
    message:
        "Surprisal of the words of {wildcards.corpus}, in bits"
    shell:
        "python -m scriptorium.stages.gaze_surprisal --spec {params.spec:q}"
        " --out results/gaze/surprisal/{wildcards.corpus:q} --input words={input.words:q} model={input.model:q}"
        " --threads {threads:q} 2> {log:q}"


rule gaze_left_out:
    input:
        words=lambda wildcards: RUNS.left_out_words(),
        surprisal=lambda wildcards: RUNS.left_out_surprisal(),
    output:
        "results/gaze/left_out/manifest.json",
        table=report(
            "results/tables/gaze_left_out.tsv",
            caption="../report/gaze_left_out_table.rst",
            category="1 Gaze regressor",
            labels={"show": "corpora left out"},
        ),
    log:
        "logs/gaze_left_out.log",
    benchmark:
        "benchmarks/gaze_left_out.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("gaze_left_out"),
        code=code_of("gaze_left_out"),
    message:
        "Each gaze corpus left out: the predictor beside word length"
    shell:
        "python -m scriptorium.stages.gaze_left_out --spec {params.spec:q} --out results/gaze/left_out"
        " --input words={input.words:q} surprisal={input.surprisal:q} --output table={output.table:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} 2> {log:q}"


rule benchmark_cmcl2021:
    input:
        raw=lambda wildcards: RUNS.cmcl2021_source(),
        backbone=lambda wildcards: RUNS.cmcl2021_backbone(),
    output:
        "results/runs/tables/gaze_cmcl2021/manifest.json",
        table=report(
            "results/tables/gaze_cmcl2021.tsv",
            caption="../report/gaze_cmcl2021_table.rst",
            category="1 Gaze regressor",
            labels={"show": "CMCL 2021: table"},
        ),
        figure=report(
            "results/figures/gaze_cmcl2021.svg",
            caption="../report/gaze_cmcl2021_figure.rst",
            category="1 Gaze regressor",
            labels={"show": "CMCL 2021: figure"},
        ),
    log:
        "logs/benchmark_cmcl2021.log",
    benchmark:
        "benchmarks/benchmark_cmcl2021.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 90 * attempt,
    params:
        spec=spec_of("benchmark_cmcl2021"),
        code=code_of("benchmark_cmcl2021"),
    message:
        "CMCL 2021: the gaze predictor beside baselines, on sentences 600-799"
    shell:
        "python -m scriptorium.stages.benchmark_cmcl2021 --spec {params.spec:q}"
        " --out results/runs/tables/gaze_cmcl2021 --input raw={input.raw:q} backbone={input.backbone:q}"
        " --output table={output.table:q} figure={output.figure:q}"
        " --threads {threads:q} --runtime {resources.runtime:q} 2> {log:q}"
