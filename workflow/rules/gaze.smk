"""Stage 1 of CogBERT: eye-tracking corpora, the gaze regressor, its baselines, scores for any text."""


rule prepare_gaze:
    input:
        raw=lambda wildcards: RUNS.gaze_source(wildcards.corpus),
    output:
        "results/gaze/corpora/{corpus}/manifest.json",
        "results/gaze/corpora/{corpus}/ceiling.json",
        words="results/gaze/corpora/{corpus}.parquet",
    log:
        "logs/prepare_gaze/{corpus}.log",
    benchmark:
        "benchmarks/prepare_gaze/{corpus}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: attempt
        * CONFIG.gaze.corpora[wildcards.corpus].options.memory_mb,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("prepare_gaze"),
        code=code_of("prepare_gaze"),
    message:
        "Read gaze corpus {wildcards.corpus}: means over participants, zeros included; noise ceiling"
    shell:
        "python -m scriptorium.stages.prepare_gaze --spec {params.spec:q}"
        " --out results/gaze/corpora/{wildcards.corpus:q} --input raw={input.raw:q}"
        " --output words={output.words:q} 2> {log:q}"


rule train_regressor:
    input:
        words=lambda wildcards: RUNS.gaze_words(wildcards.variant),
        features=lambda wildcards: RUNS.gaze_features(wildcards.variant),
        embeddings=lambda wildcards: RUNS.regressor_embeddings(wildcards.variant),
        exclude=lambda wildcards: RUNS.gaze_excluded(wildcards.variant),
    output:
        "results/gaze/regressor/{variant}/seed{seed}/manifest.json",
    log:
        "logs/train_regressor/{variant}/seed{seed}.log",
    benchmark:
        "benchmarks/train_regressor/{variant}/seed{seed}.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
        gpu=0,
    params:
        spec=spec_of("train_regressor"),
        code=code_of("train_regressor"),
    message:
        "Stage 1: train gaze regressor {wildcards.variant}, seed {wildcards.seed}"
    shell:
        "python -m scriptorium.stages.train_regressor --spec {params.spec:q}"
        " --out results/gaze/regressor/{wildcards.variant:q}/seed{wildcards.seed:q}"
        " --input words={input.words:q} features={input.features:q} embeddings={input.embeddings:q}"
        " exclude={input.exclude:q} --threads {threads:q} --runtime {resources.runtime:q} --gpus {resources.gpu:q} 2> {log:q}"


rule gaze_baselines:
    input:
        words=RUNS.gaze_words(CONFIG.gaze.scores_from),
        features=RUNS.gaze_features(CONFIG.gaze.scores_from),
        exclude=RUNS.gaze_excluded(CONFIG.gaze.scores_from),
    output:
        "results/gaze/baselines/manifest.json",
    log:
        "logs/gaze_baselines.log",
    benchmark:
        "benchmarks/gaze_baselines.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=20,
    params:
        spec=spec_of("gaze_baselines"),
        code=code_of("gaze_baselines"),
    message:
        "Stage 1 baselines: mean, word length alone, gradient boosting"
    shell:
        "python -m scriptorium.stages.gaze_baselines --spec {params.spec:q} --out results/gaze/baselines"
        " --input words={input.words:q} features={input.features:q} exclude={input.exclude:q}"
        " --threads {threads:q} 2> {log:q}"


rule tabulate_corpora:
    input:
        words=RUNS.gaze_corpora(),
    output:
        "results/runs/tables/gaze_corpora/manifest.json",
        table=report(
            "results/tables/gaze_corpora.tsv",
            caption="../report/gaze_corpora_table.rst",
            category="1 Gaze regressor",
            labels={"show": "corpora"},
        ),
    log:
        "logs/tabulate_corpora.log",
    benchmark:
        "benchmarks/tabulate_corpora.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=10,
    params:
        spec=spec_of("tabulate_corpora"),
        code=code_of("tabulate_corpora"),
    message:
        "Table: gaze corpora, their size, doubles and noise ceiling"
    shell:
        "python -m scriptorium.stages.tabulate_corpora --spec {params.spec:q}"
        " --out results/runs/tables/gaze_corpora --input words={input.words:q}"
        " --output table={output.table:q} 2> {log:q}"


rule score:
    input:
        features="results/annotations/features/{dataset}/manifest.json",
        regressor=RUNS.scoring_regressor(),
        embeddings=RUNS.regressor_embeddings(CONFIG.gaze.scores_from),
    output:
        "results/annotations/{dataset}/manifest.json",
        annotations="results/annotations/{dataset}.parquet",
    log:
        "logs/score/{dataset}.log",
    benchmark:
        "benchmarks/score/{dataset}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    params:
        spec=spec_of("score"),
        code=code_of("score"),
    message:
        "Score {wildcards.dataset}: what the gaze regressor gives every word"
    shell:
        "python -m scriptorium.stages.score --spec {params.spec:q}"
        " --out results/annotations/{wildcards.dataset:q} --input features={input.features:q}"
        " regressor={input.regressor:q} embeddings={input.embeddings:q}"
        " --output annotations={output.annotations:q} --threads {threads:q} 2> {log:q}"


rule reveal:
    input:
        data="results/data/{task}/manifest.json",
    output:
        "results/annotations/revealed/{task}/manifest.json",
        annotations="results/annotations/revealed/{task}.parquet",
    log:
        "logs/reveal/{task}.log",
    benchmark:
        "benchmarks/reveal/{task}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=10,
    params:
        spec=spec_of("reveal"),
        code=code_of("reveal"),
    message:
        "Positive control: features of {wildcards.task} that hold what it asks for"
    shell:
        "python -m scriptorium.stages.reveal --spec {params.spec:q}"
        " --out results/annotations/revealed/{wildcards.task:q} --input data={input.data:q}"
        " --output annotations={output.annotations:q} 2> {log:q}"


rule tabulate_gaze:
    input:
        regressor=[run.manifest for run in RUNS.regressors],
        baselines="results/gaze/baselines/manifest.json",
    output:
        "results/runs/tables/gaze/manifest.json",
        table=report(
            "results/tables/gaze_regressor.tsv",
            caption="../report/gaze_table.rst",
            category="1 Gaze regressor",
            labels={"show": "table"},
        ),
        figure=report(
            "results/figures/gaze_regressor.svg",
            caption="../report/gaze_figure.rst",
            category="1 Gaze regressor",
            labels={"show": "figure"},
        ),
    log:
        "logs/tabulate_gaze.log",
    benchmark:
        "benchmarks/tabulate_gaze.tsv"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=spec_of("tabulate_gaze"),
        code=code_of("tabulate_gaze"),
    message:
        "Table and figure: the gaze regressor beside its baselines"
    shell:
        "python -m scriptorium.stages.tabulate_gaze --spec {params.spec:q} --out results/runs/tables/gaze"
        " --input regressor={input.regressor:q} baselines={input.baselines:q}"
        " --output table={output.table:q} figure={output.figure:q} 2> {log:q}"
