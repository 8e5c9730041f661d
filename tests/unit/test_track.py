"""Proves what the MLflow mirror shows, and that showing it again changes nothing."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
import statistics
import subprocess
from pathlib import Path

import pytest

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.runs import Run
from scriptorium.track import load_runs
from scriptorium.tracking.family import families
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.portrait import MAX_FILE, curve, portraits
from scriptorium.tracking.replay import import_all
from scriptorium.tracking.run_names import DATA, name_run
from scriptorium.tracking.store import connect, locate
from scriptorium.tracking.texts import MAX_PARAM, flatten, readable
from tests.fabricate import REPOSITORY, START, Project, build, write_events

CORPUS = Run("results/data/corpora/english", "prepare_corpus", "", "", "english")


def imported(project: Project) -> dict:
    return import_all(project.results, project.runs, locate(None, project.results))


def mirrored(project: Project) -> list:
    """All MLflow runs of a project, oldest first."""
    return Mirror.open(locate(None, project.results), project.results).runs


def show(project: Project, path: str):
    """The current MLflow run of a path."""
    found = [r for r in mirrored(project) if r.data.tags["scriptorium.path"] == path]
    (run,) = [r for r in found if r.data.tags["scriptorium.superseded"] == "false"]
    return run


def everything(project: Project) -> tuple[str, dict[str, tuple[float, bytes]]]:
    """Every row of the database and every artifact with its modification time."""
    with sqlite3.connect(project.results / "mlflow/mlflow.db") as database:
        rows = "\n".join(database.iterdump())
    files = (p for p in (project.results / "mlflow/artifacts").rglob("*") if p.is_file())
    return rows, {str(p): (p.stat().st_mtime, p.read_bytes()) for p in files}


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    """An empty database: to make one takes seconds."""
    store = locate(None, tmp_path_factory.mktemp("empty"))
    connect(store)
    return store.database


@pytest.fixture
def project(tmp_path, database) -> Project:
    made = build(tmp_path / "project")
    (made.results / "mlflow").mkdir()
    shutil.copy(database, made.results / "mlflow")
    return made


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Project:
    """A run of every kind and more, and one preparatory one, imported once. Two were killed, one of them without a
    word."""
    project = build(tmp_path_factory.mktemp("study") / "with a blank")
    project.add(CORPUS, steps=0, start=START - 100)
    source = {"name": "corpus", "path": f"{CORPUS.path}/manifest.json"}
    digest = manifest.content_digest(project.directory(CORPUS))
    for number, run in enumerate(project.runs.all()):
        status = {0: ledger.RUNNING, 1: ledger.KILLED}.get(number, ledger.FINISHED)
        project.add(run, status=status, inputs=[{**source, "sha256": digest}], start=START + number)
    project.summary = imported(project)
    return project


def test_sixteen_ledgers_reach_their_experiments_in_a_cold_database_and_none_is_running(study):
    client = connect(locate(None, study.results))
    names = {e.experiment_id: e.name for e in client.search_experiments()}
    expected = {run.path: run.study for run in study.runs.all()} | {CORPUS.path: DATA}
    runs = [r for r in mirrored(study) if r.data.tags["scriptorium.kind"] == "run"]
    assert len(runs) == len(expected) >= 16
    whole = load_runs([str(REPOSITORY / "config/config.yaml")], REPOSITORY)
    assert {run.stage for run in study.runs.all()} == {run.stage for run in whole.all()}
    assert {r.data.tags["scriptorium.path"]: names[r.info.experiment_id] for r in runs} == expected
    assert {r.info.status for r in mirrored(study)} <= {"FINISHED", "KILLED", "FAILED"}
    assert study.summary["status"] == {"FINISHED": len(expected) - 2, "KILLED": 2}
    assert not client.search_runs(["0"]), "something went to MLflow's default experiment"


def test_a_second_import_changes_nothing_at_all(study):
    before = everything(study)
    assert imported(study) == study.summary
    after = everything(study)
    assert after[0] == before[0]
    assert after[1] == before[1]


def test_a_run_whose_process_died_is_closed_as_killed_in_the_files_and_in_mlflow(study):
    run = next(iter(study.runs.all()))
    record = ledger.read_record(study.directory(run))
    assert record["status"] == ledger.KILLED
    assert record["end"] == max(event["t"] for event in ledger.read_events(study.directory(run)))
    assert "is gone" in list(ledger.read_events(study.directory(run)))[-1]["note"]
    assert show(study, run.path).info.status == "KILLED"


def test_a_run_shows_its_own_times_names_tags_params_curve_and_inputs(study):
    run = [r for r in study.runs.finetuning if r.variant == "cogbert"][-1]
    record, shown = ledger.read_record(study.directory(run)), show(study, run.path)
    assert shown.info.run_name == f"{run.task} · seed{run.seed} · cogbert"
    assert (shown.info.start_time, shown.info.end_time) == (record["start"] * 1000, record["end"] * 1000)
    tags = shown.data.tags
    assert (tags["task"], tags["variant"], tags["seed"], tags["study"]) == (
        run.task,
        "cogbert",
        str(run.seed),
        run.study,
    )
    assert tags["git.commit"] == tags["mlflow.source.git.commit"] == record["git"]["commit"]
    assert tags["paper_table"] == run.paper_table
    assert readable(record["command"]) in tags["mlflow.note.content"]
    assert shown.data.params["train.lr"] == str(record["spec"]["train"]["lr"])
    points = connect(locate(None, study.results)).get_metric_history(shown.info.run_id, "train/loss")
    events = [e for e in ledger.read_events(study.directory(run)) if "metrics" in e]
    assert [(p.step, p.value, p.timestamp) for p in points] == [
        (e["step"], e["metrics"]["train/loss"], e["t"] * 1000) for e in events
    ]
    (given,) = shown.inputs.dataset_inputs
    assert given.dataset.name == "data/corpora/english"
    assert given.dataset.digest == manifest.content_digest(study.directory(CORPUS))[:16]


def test_small_files_are_uploaded_and_weights_are_only_referred_to(study):
    client = connect(locate(None, study.results))
    (run,) = study.runs.pretraining
    shown = show(study, run.path)
    names = {f.path for f in client.list_artifacts(shown.info.run_id)} - {"code.patch"}  # of a changed working tree
    assert names == {"run.json", "spec.json", "metrics.json", "figures"}
    (output,) = shown.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    entry = next(e for e in ledger.read_record(study.directory(run))["outputs"] if "model/" in e["path"])
    assert model.tags["path"] == f"{run.path}/model"
    assert model.tags["model/model.safetensors.sha256"] == entry["sha256"]
    assert not list((study.results / "mlflow").rglob("*.safetensors"))


def test_a_parent_holds_mean_deviation_and_number_of_seeds_of_its_children(study):
    parent = show(study, "cogbert/cogbert")
    runs = [r for r in study.runs.finetuning if (r.variant, r.task) == ("cogbert", "sentiment")]
    values = [json.loads((study.directory(r) / "metrics.json").read_text())["test/accuracy"] for r in runs]
    metrics = parent.data.metrics
    assert len(values) == metrics["seeds/sentiment"] == len(study.runs.config.seeds)
    assert metrics["sentiment/test/accuracy_mean"] == pytest.approx(statistics.fmean(values))
    assert metrics["sentiment/test/accuracy_std"] == pytest.approx(statistics.stdev(values))
    assert parent.data.params["cognition.mode"] == "fixed"
    assert {show(study, r.path).data.tags["mlflow.parentRunId"] for r in runs} == {parent.info.run_id}


def test_one_seed_has_no_deviation(project):
    project.add(project.runs.finetuning[0])
    found, _ = portraits(project.results, project.runs)
    (family,) = families(found, project.runs)
    assert any(key.endswith("_mean") for key in family.metrics)
    assert not any(key.endswith("_std") for key in family.metrics)


def test_a_ledger_that_grew_only_adds_its_new_points(project):
    run = project.runs.finetuning[0]
    directory = project.add(run, status=ledger.RUNNING)
    imported(project)
    client, first = connect(locate(None, project.results)), show(project, run.path)
    before = client.get_metric_history(first.info.run_id, "train/loss")
    record = ledger.read_record(directory)
    new = {"t": START + 50, "step": 99, "metrics": {"train/loss": 0.5}}
    write_events(directory, [*ledger.read_events(directory), new])
    manifest.write_json(directory / "run.json", record | {"status": ledger.FINISHED, "end": START + 60})
    imported(project)
    second = show(project, run.path)
    assert (second.info.run_id, second.info.status) == (first.info.run_id, "FINISHED")
    after = client.get_metric_history(first.info.run_id, "train/loss")
    assert [p.to_dictionary() for p in after[: len(before)]] == [p.to_dictionary() for p in before]
    assert [(p.step, p.value) for p in after[len(before) :]] == [(99, 0.5)]


def test_a_run_repeated_with_another_key_replaces_the_old_one_visibly(project):
    run = project.runs.finetuning[0]
    project.add(run)
    imported(project)
    old = show(project, run.path).info.run_id
    shutil.rmtree(project.directory(run))
    project.add(run, key="another", start=START + 500)
    imported(project)
    new = show(project, run.path)
    assert new.info.run_id != old
    (replaced,) = [r for r in mirrored(project) if r.info.run_id == old]
    assert replaced.data.tags["scriptorium.superseded"] == "true"
    assert replaced.info.run_name.endswith("(superseded)")


def test_a_run_that_the_configuration_does_not_know_is_named_by_its_path(project):
    name = name_run("results/finetune/gone/sentiment/seed3", "finetune", {})
    assert (name.variant, name.task, name.seed) == ("gone", "sentiment", 3)
    name = name_run("results/gaze/regressor/deep/seed1", "train_regressor", {})
    assert (name.study, name.variant, name.seed) == ("gaze", "deep", 1)
    name = name_run("resources/minilm", "fetch", {})
    assert (name.study, name.variant, name.task) == (DATA, "fetch", "minilm")


def test_copies_of_run_json_inside_mlflow_are_not_taken_for_ledgers(study):
    assert list((study.results / "mlflow").rglob("run.json"))
    found, unreadable = portraits(study.results, study.runs)
    assert (len(found), unreadable) == (study.summary["runs"], {})


def test_a_moved_folder_is_told_with_its_remedy(project):
    project.add(project.runs.finetuning[0])
    imported(project)
    moved = Project(project.root.rename(project.root.with_name("moved")), project.runs)
    with pytest.raises(UserError, match=r"(?s)moved or copied.*rm -r .*mlflow\.db"):
        imported(moved)
    (moved.results / "mlflow/mlflow.db").unlink()
    again = Project(moved.root.rename(moved.root.with_name("again")), project.runs)  # this process keeps files open
    assert imported(again)["runs"] == 1


def test_failures_are_readable_and_large_files_are_left_out_with_a_remark(project):
    run = project.runs.finetuning[0]
    directory = project.add(run, status=ledger.FAILED)
    (directory / "big.bin").write_bytes(bytes(MAX_FILE + 1))
    event = {"t": START + 1, "artifact": "big.bin", "kind": "file"}
    write_events(directory, [*ledger.read_events(directory), event])
    (portrait,), _ = portraits(project.results, project.runs)
    files, texts = portrait.files()
    assert "files/big.bin" not in files
    assert "big.bin is larger than" in texts["notes.txt"]
    assert "a planted failure" in texts["notes.txt"]
    assert "a planted failure" in portrait.tags["mlflow.note.content"]


def test_a_stray_metrics_file_of_an_earlier_run_is_not_shown_for_a_failed_one(project):
    directory = project.add(project.runs.finetuning[0], status=ledger.FAILED)
    assert (directory / "metrics.json").exists()
    (portrait,), _ = portraits(project.results, project.runs)
    assert portrait.metrics == {}


def test_long_params_are_cut_with_a_remark_and_nested_ones_are_flat():
    flat = flatten({"train": {"lr": 0.1, "betas": [0.9, 0.99]}, "text": "x" * 10_000, "none": None})
    assert flat["train.lr"] == "0.1"
    assert flat["train.betas"] == "[0.9,0.99]"
    assert flat["none"] == "null"
    assert len(flat["text"]) == MAX_PARAM
    assert "10000 characters" in flat["text"]


def test_the_command_on_a_run_page_means_the_same_and_has_short_lines():
    spec = {"train": {"lr": 0.1, "note": "it's -- 'quoted'"}, "labels": ["a", "b"]}
    words = ["printf", "%s\\0", "--spec", json.dumps(spec), "--input", "a=r/a/manifest.json", "b=r/b/manifest.json"]
    text = readable(shlex.join(words))
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True)
    again = done.stdout.removesuffix("\0").split("\0")
    assert json.loads(again.pop(1)) == spec
    assert again == [word for word in words[2:] if not word.startswith("{")]
    assert max(map(len, text.splitlines())) < 60


def test_a_step_logged_again_after_a_resume_is_one_point():
    events = [{"t": t, "step": 5, "metrics": {"loss": float(t)}} for t in (1, 2)]
    assert [(p.step, p.value) for p in curve(events).values()] == [(5, 2.0)]


def test_an_unreadable_record_is_reported_and_stops_nothing(project):
    project.add(project.runs.finetuning[0])
    broken = project.add(project.runs.finetuning[1])
    (broken / "run.json").write_text("{", encoding="utf-8")
    summary = imported(project)
    assert summary["runs"] == 1
    reason = "run.json cannot be read: it is not JSON; remedy: delete this file and run snakemake again"
    assert summary["left_out"] == {project.runs.finetuning[1].path: reason}


@pytest.mark.parametrize("uri", ["ftp://host", "mlruns", "postgresql://me:secret@host/db", "sqlite://", "http://"])
def test_other_addresses_are_refused_without_being_repeated(uri):
    with pytest.raises(UserError, match=r"http\(s\)://host:port") as caught:
        locate(uri, Path("results"))
    assert "secret" not in str(caught.value)
