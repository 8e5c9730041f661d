"""From the catalogue to prepared data: tasks, gaze corpora, running text, annotations."""


localrules:
    fetch,


rule fetch:
    input:
        # a file or folder of the user's own: editing it must rerun what depends on it
        files=lambda wildcards: RUNS.own_files(wildcards.dataset),
        own=lambda wildcards: ancient(RUNS.own_place(wildcards.dataset)),
    output:
        "resources/{dataset}/manifest.json",
    log:
        "logs/fetch/{dataset}.log",
    benchmark:
        "benchmarks/fetch/{dataset}.tsv"
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        spec=spec_of("fetch"),
        code=code_of("fetch"),
    message:
        "Fetch {wildcards.dataset} (pinned, checked by sha256)"
    shell:
        "python -m scriptorium.stages.fetch --spec {params.spec:q}"
        " --out resources/{wildcards.dataset:q} --input own={input.own:q} 2> {log:q}"


rule prepare_task:
    input:
        raw=lambda wildcards: RUNS.task_source(wildcards.task),
        translations=lambda wildcards: RUNS.task_translations(wildcards.task),
    output:
        "results/data/{task}/manifest.json",
    log:
        "logs/prepare_task/{task}.log",
    benchmark:
        "benchmarks/prepare_task/{task}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=20,
    params:
        spec=spec_of("prepare_task"),
        code=code_of("prepare_task"),
    message:
        "Prepare task {wildcards.task}: read, check, split"
    shell:
        "python -m scriptorium.stages.prepare_task --spec {params.spec:q}"
        " --out results/data/{wildcards.task:q} --input raw={input.raw:q} translations={input.translations:q} 2> {log:q}"


rule prepare_corpus:
    input:
        sources=lambda wildcards: RUNS.corpus_sources(wildcards.corpus),
        exclude=lambda wildcards: RUNS.corpus_exclude(wildcards.corpus),
    output:
        "results/data/corpora/{corpus}/manifest.json",
    log:
        "logs/prepare_corpus/{corpus}.log",
    benchmark:
        "benchmarks/prepare_corpus/{corpus}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=60,
    params:
        spec=spec_of("prepare_corpus"),
        code=code_of("prepare_corpus"),
    message:
        "Prepare corpus {wildcards.corpus}: normalise, de-duplicate, split by document"
    shell:
        "python -m scriptorium.stages.prepare_corpus --spec {params.spec:q}"
        " --out results/data/corpora/{wildcards.corpus:q}"
        " --input sources={input.sources:q} exclude={input.exclude:q} --runtime {resources.runtime:q} 2> {log:q}"


rule prepare_parallel:
    input:
        sources=lambda wildcards: RUNS.parallel_sources(wildcards.parallel),
    output:
        "results/data/parallel/{parallel}/manifest.json",
    log:
        "logs/prepare_parallel/{parallel}.log",
    benchmark:
        "benchmarks/prepare_parallel/{parallel}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=60,
    params:
        spec=spec_of("prepare_parallel"),
        code=code_of("prepare_parallel"),
    message:
        "Prepare parallel text {wildcards.parallel}: normalise, de-duplicate, split by the texts in common"
    shell:
        "python -m scriptorium.stages.prepare_parallel --spec {params.spec:q}"
        " --out results/data/parallel/{wildcards.parallel:q} --input sources={input.sources:q}"
        " --runtime {resources.runtime:q} 2> {log:q}"


rule prepare_dictionary:
    input:
        sources=lambda wildcards: RUNS.dictionary_sources(wildcards.dictionary),
    output:
        "results/data/dictionaries/{dictionary}/manifest.json",
    log:
        "logs/prepare_dictionary/{dictionary}.log",
    benchmark:
        "benchmarks/prepare_dictionary/{dictionary}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=30,
    params:
        spec=spec_of("prepare_dictionary"),
        code=code_of("prepare_dictionary"),
    message:
        "Prepare dictionary {wildcards.dictionary}: words in the form in which they are compared"
    shell:
        "python -m scriptorium.stages.prepare_dictionary --spec {params.spec:q}"
        " --out results/data/dictionaries/{wildcards.dictionary:q} --input sources={input.sources:q} 2> {log:q}"


rule convert_backbone:
    input:
        model=lambda wildcards: RUNS.converted(wildcards.backbone),
    output:
        "results/backbones/{backbone}/manifest.json",
    log:
        "logs/convert_backbone/{backbone}.log",
    benchmark:
        "benchmarks/convert_backbone/{backbone}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=30,
    params:
        spec=spec_of("convert_backbone"),
        code=code_of("convert_backbone"),
    message:
        "Convert {wildcards.backbone} into Hugging Face's format"
    shell:
        "python -m scriptorium.stages.convert_backbone --spec {params.spec:q}"
        " --out results/backbones/{wildcards.backbone:q} --input model={input.model:q} 2> {log:q}"


rule train_vocabulary:
    input:
        corpus=lambda wildcards: RUNS.vocabulary_corpora(wildcards.vocabulary),
        backbone=lambda wildcards: RUNS.vocabulary_backbone(wildcards.vocabulary),
    output:
        "results/data/vocabularies/{vocabulary}/manifest.json",
    log:
        "logs/train_vocabulary/{vocabulary}.log",
    benchmark:
        "benchmarks/train_vocabulary/{vocabulary}.tsv"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("train_vocabulary"),
        code=code_of("train_vocabulary"),
    message:
        "Learn the vocabulary {wildcards.vocabulary} from the train split of its corpora"
    shell:
        "python -m scriptorium.stages.train_vocabulary --spec {params.spec:q}"
        " --out results/data/vocabularies/{wildcards.vocabulary:q} --input corpus={input.corpus:q}"
        " backbone={input.backbone:q} 2> {log:q}"


rule annotate:
    input:
        data=lambda wildcards: RUNS.annotated_data(wildcards.dataset),
    output:
        "results/annotations/features/{dataset}/manifest.json",
        features="results/annotations/features/{dataset}.parquet",
    log:
        "logs/annotate/{dataset}.log",
    benchmark:
        "benchmarks/annotate/{dataset}.tsv"
    threads: 4
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        spec=spec_of("annotate"),
        code=code_of("annotate"),
    message:
        "Annotate {wildcards.dataset}: linguistic features of every distinct text"
    shell:
        "python -m scriptorium.stages.annotate --spec {params.spec:q}"
        " --out results/annotations/features/{wildcards.dataset:q} --input data={input.data:q}"
        " --output features={output.features:q} --threads {threads:q} 2> {log:q}"
