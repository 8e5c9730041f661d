"""The whole default workflow in miniature: what a new user sees after one command, and after a second one."""

from __future__ import annotations

import base64
import csv
import html
import json
import re
import shutil

from scriptorium import manifest
from scriptorium.reporting.headlines import headlines


def test_one_command_ends_with_report_tables_figures_and_mirror(finished):
    for name in (
        "report.html",
        "tables/gaze_regressor.tsv",
        "tables/gaze_corpora.tsv",
        "tables/pretrain.tsv",
        "tables/finetune_cogbert.tsv",
        "tables/finetune_pretraining.tsv",
        "figures/gaze_regressor.svg",
        "figures/pretrain_loss.svg",
        "figures/finetune_cogbert.svg",
        "figures/attention.html",
        "mlflow/mlflow.db",
        "mlflow/summary.json",
    ):
        assert (finished.root / "results" / name).stat().st_size > 0, name


STUDIES = ("cogbert", "pretraining")


def test_the_last_lines_say_where_the_report_is_how_to_open_mlflow_and_what_came_out(finished):
    tail = finished.output[-2500:]
    assert "report   results/report.html" in tail
    assert "MLflow   make ui" in tail
    said = headlines(finished.root / f"results/tables/finetune_{study}.tsv" for study in STUDIES)
    assert set(said) == set(STUDIES)
    for study, sentence in said.items():
        assert f" {study}: {sentence}" in tail


def test_the_first_page_of_the_report_states_the_results(finished):
    """The same sentence per study as the last lines, a row per comparison and the figure, before anything else."""
    page = (finished.root / "results/report.html").read_text(encoding="utf-8")
    (text,) = re.findall(r"^ *var workflow_desc = (\".*\");$", page, flags=re.MULTILINE)
    shown = json.loads(text)
    assert "system-message" not in shown
    results, about = shown.index("<h1>Results</h1>"), shown.index("<h1>About this report</h1>")
    said = headlines(finished.root / f"results/tables/finetune_{study}.tsv" for study in STUDIES)
    for study, sentence in said.items():
        assert results < shown.index(f"<strong>{study}</strong>: {html.escape(sentence)}") < about
    assert results < shown.index("<td>cogbert</td><td>mood</td><td>bert</td>") < about
    image = re.search(r'src="data:image/svg\+xml;base64,([^"]*)"', shown)
    assert base64.b64decode(image[1]) == (finished.root / "results/figures/finetune_cogbert.svg").read_bytes()
    assert results < image.start() < about
    assert ".headline-table" in page, "the stylesheet"


def test_a_second_call_has_nothing_to_do(project):
    assert "Nothing to be done" in project.snakemake().stdout


def test_every_manifest_matches_its_files(finished):
    manifests = list((finished.root / "results").rglob("manifest.json"))
    assert len(manifests) > 20
    assert [problem for path in manifests for problem in manifest.check(path)] == []


def test_every_ledger_is_finished_and_names_its_spec_inputs_code_and_versions(finished):
    records = [json.loads(p.read_text()) for p in (finished.root / "results").rglob("run.json")]
    assert len(records) > 20
    for record in records:
        assert record["status"] == "FINISHED"
        assert record["end"] >= record["start"]
        assert record["packages"]["torch"]
        assert len(record["code"]) == 16
        assert record["outputs"], record["stage"]


def test_table_of_a_study_compares_every_variant_with_the_baseline(finished):
    with (finished.root / "results/tables/finetune_cogbert.tsv").open() as handle:
        rows = {row["variant"]: row for row in csv.DictReader(handle, delimiter="\t")}
    assert set(rows) == {"bert", "cogbert"}
    assert rows["bert"]["delta"] == ""
    assert float(rows["cogbert"]["ci_low"]) <= float(rows["cogbert"]["delta"]) <= float(rows["cogbert"]["ci_high"])
    assert "2 seeds" in rows["cogbert"]["scale"]


def test_the_cogbert_target_makes_every_table_and_the_default_did_not(project):
    """Baselines that start from a fine-tuned encoder, a sweep, eye-tracking prediction, a report of its own."""
    results = project.root / "results"
    assert not (results / "finetune/cogbert-released").exists(), "made on request alone"
    shutil.rmtree(results / "mlflow")  # this project is a copy, and MLflow stores absolute paths
    project.snakemake("cogbert")
    for name in (
        "report_cogbert.html",
        "tables/finetune_cogbert-more.tsv",
        "tables/boundary_cogbert-more.tsv",
        "figures/boundary_cogbert-more.svg",
        "tables/feature_weights_cogbert.tsv",
        "tables/finetune_cogbert-baselines.tsv",
        "mlflow/cogbert.json",
    ):
        assert (results / name).stat().st_size > 0, name
    assert (results / "finetune/bert/gaze-monastery/seed0/encoder/model.safetensors").is_file()
    with (results / "tables/finetune_cogbert-more.tsv").open() as handle:
        rows = {(row["task"], row["variant"]) for row in csv.DictReader(handle, delimiter="\t")}
    assert ("gaze-monastery", "cogbert-released") in rows
    assert "Nothing to be done" in project.snakemake("cogbert").stdout


def test_audit_finds_nothing_wrong_and_every_planted_fault(project):
    moved = project.snakemake("audit", check=False)
    assert "this folder was moved or copied" in moved.stdout  # MLflow stores absolute paths; the remedy is printed
    shutil.rmtree(project.root / "results/mlflow")
    project.snakemake("track")
    assert "audit: in order" in project.snakemake("audit").stdout
    victim = project.root / "results/finetune/bert/mood/seed0/predictions.parquet"
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    (project.root / "results/finetune/cogbert/mood/seed1/run.json").unlink()
    broken = project.snakemake("audit", check=False)
    assert broken.returncode != 0
    assert "finetune/bert/mood/seed0" in broken.stdout
    assert "finetune/cogbert/mood/seed1" in broken.stdout


def test_verify_repeats_a_branch_byte_for_byte(project):
    assert "identical" in project.snakemake("verify").stdout


def test_the_command_in_a_ledger_runs_without_snakemake(project):
    import os
    import subprocess
    import sys

    run = project.root / "results/gaze/baselines"
    command = json.loads((run / "run.json").read_text())["command"]
    before = (run / "metrics.json").read_bytes()
    (run / "metrics.json").unlink()
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"  # noqa: PTH120
    subprocess.run(command, shell=True, cwd=project.root, check=True, env={**os.environ, "PATH": path})
    assert (run / "metrics.json").read_bytes() == before
