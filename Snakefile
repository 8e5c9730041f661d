"""Scriptorium: papers on cognition-guided, cross-lingual and permuted pre-training, copied faithfully.

Public targets: all (default), data, gaze, pretraining, finetuning, tables, report, track, audit, verify;
cogbert, mpnet, veco, veco2, objectives (what there is of a paper); bench_cogbert, bench_pretrain, bench_crosslingual (speed);
check_statistics (whether intervals and p values hold, simulated); glue_submission (GLUE's test files for its server).
Every path below results/ is a target as well: `snakemake results/finetune/cogbert/sentiment/seed0/manifest.json`.
"""

import os

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/folder.smk"


configfile: "config/config.yaml"


# Inert without `--sdm apptainer`; envs/ holds the same versions for pip, conda and a container.
container: "docker://scriptorium/scriptorium:0.1.0"


# The rule `report` puts the results before this text (scriptorium/reporting/report.py).
report: os.environ.get("SCRIPTORIUM_REPORT_PAGE", "workflow/report/workflow.rst")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/gaze.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/significance.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/minimal_pairs.smk"
include: "workflow/rules/bits_per_byte.smk"
include: "workflow/rules/few_labels.smk"
include: "workflow/rules/crosslingual.smk"
include: "workflow/rules/retrieval.smk"
include: "workflow/rules/vectors.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/languages.smk"
include: "workflow/rules/glue_submission.smk"
include: "workflow/rules/translation.smk"
include: "workflow/rules/generation.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/track.smk"
include: "workflow/rules/cogbert.smk"
include: "workflow/rules/programme.smk"
include: "workflow/rules/bench.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/resources.smk"  # last: it changes what the other rules ask for


localrules:
    all,
    data,
    gaze,
    pretraining,
    finetuning,
    tables,


rule all:
    default_target: True
    input:
        rules.report.output,
        rules.mirror.output,
        lambda _: shown(workflow.rules, RUNS.default_tables()),


rule data:
    input:
        collect("results/data/{task}/manifest.json", task=CONFIG.tasks),
        collect("results/gaze/corpora/{corpus}/manifest.json", corpus=CONFIG.gaze.corpora),


rule gaze:
    input:
        rules.tabulate_gaze.output,
        rules.tabulate_corpora.output,


rule pretraining:
    input:
        [run.manifest for run in RUNS.pretraining],


rule finetuning:
    input:
        [run.manifest for run in RUNS.finetuned_in(RUNS.default_studies())],


rule tables:
    input:
        lambda _: shown(workflow.rules, RUNS.default_tables()),


onsuccess:
    shell("python -m scriptorium.reporting.closing")


onerror:
    print(
        "Stopped. What is finished stays; `snakemake` goes on from there, training from its last checkpoint."
    )
