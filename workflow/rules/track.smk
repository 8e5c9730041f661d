"""MLflow mirror, audit, verification and the HTML report. The ledgers below results/ are the truth."""


localrules:
    mirror,
    track,
    audit,
    report,


rule mirror:
    input:
        # last of all: a tracking server that is down must not keep the report from being made
        "results/report.html",
        [run.manifest for run in RUNS.expected()],
    output:
        "results/mlflow/summary.json",
    log:
        "logs/mirror.log",
    benchmark:
        "benchmarks/mirror.tsv"
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        spec=WHOLE_CONFIG,
        code=code_digest("scriptorium.track"),
    message:
        "Mirror all ledgers into MLflow"
    shell:
        # exit code 3: runs were left out (they are named on the terminal and in the summary), all others are there
        "python -m scriptorium.track import --config <(echo {params.spec:q})"
        " --summary {output:q} 2>&1 | tee {log:q} || [ $? -eq 3 ]"


rule track:
    input:
        ancient("config/config.yaml"),
    log:
        "logs/track.log",
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        spec=WHOLE_CONFIG,
        code=code_digest("scriptorium.track"),
    message:
        "Mirror whatever ledgers there are into MLflow, also of failed and killed runs"
    shell:
        "python -m scriptorium.track import --config <(echo {params.spec:q}) 2>&1 | tee {log:q}"


rule audit:
    input:
        ancient("config/config.yaml"),
    log:
        "logs/audit.log",
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        spec=WHOLE_CONFIG,
        code=code_digest("scriptorium.track"),
    message:
        "Audit: expected runs, ledgers and MLflow side by side"
    shell:
        "python -m scriptorium.track audit --config <(echo {params.spec:q}) 2>&1 | tee {log:q}"


rule verify:
    input:
        [f"{path}/manifest.json" for path in CONFIG.verify],
    log:
        "logs/verify.log",
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        spec=canonical_json(CONFIG.verify),
        code=code_digest("scriptorium.verify"),
    message:
        "Verify: run again {input} and compare every byte"
    shell:
        "python -m scriptorium.verify {input:q} 2>&1 | tee {log:q}"


rule report:
    input:
        tables=RUNS.default_tables(),
        shown=lambda _: shown(workflow.rules, RUNS.default_tables()),
    output:
        "results/report.html",
    log:
        "logs/report.log",
    resources:
        mem_mb=1500,
        runtime=20,
    params:
        target="tables",
        spec=WHOLE_CONFIG,
        code=code_digest("scriptorium.reporting.report"),
    message:
        "Report: one HTML file, readable without a network"
    shell:
        "python -m scriptorium.reporting.report --target {params.target:q} --config <(echo {params.spec:q})"
        " --tables {input.tables:q} --out {output:q} > {log:q} 2>&1"
