"""What a changed setting replaces is in MLflow, marked superseded, whether or not anybody had imported before."""

from __future__ import annotations

import shutil

import pytest

from scriptorium import ledger, manifest, replaced
from scriptorium.tracking.audit import mirror_findings
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.portrait import portraits, replaced_portraits
from scriptorium.tracking.replay import import_all
from scriptorium.tracking.run_names import ledgers
from scriptorium.tracking.store import locate
from tests.fabricate import START, Project, build
from tests.unit.test_track import everything


@pytest.fixture
def project(tmp_path) -> Project:
    """A run that was made twice, with different settings; nothing was imported between them."""
    made = build(tmp_path / "project")
    run = made.runs.finetuning[0]
    directory = made.add(run, key="first")
    figure = directory / "curve.svg"
    outputs = [*ledger.read_record(directory)["outputs"], manifest.describe(figure, directory)]
    manifest.write_json(directory / "run.json", ledger.read_record(directory) | {"outputs": outputs})
    assert replaced.keep(directory, "second").parent == directory / replaced.FOLDER
    made.add(run, key="second", start=START + 500, steps=3)
    return made


def imported(project: Project) -> list:
    store = locate(None, project.results)
    import_all(project.results, project.runs, store)
    return Mirror.open(store, project.results).runs


def of_kind(runs: list, kind: str) -> dict[str, object]:
    """MLflow runs by the key of what they show."""
    return {run.data.tags["scriptorium.run_key"]: run for run in runs if run.data.tags["scriptorium.kind"] == kind}


def test_both_are_shown_and_the_first_is_superseded(project):
    runs = of_kind(imported(project), "run")
    first, second = runs["first"], runs["second"]
    assert [run.data.tags["scriptorium.superseded"] for run in (first, second)] == ["true", "false"]
    assert first.info.run_name == f"{second.info.run_name} (superseded)"
    assert first.data.metrics["test/accuracy"] == second.data.metrics["test/accuracy"] == 0.8
    assert first.info.start_time < second.info.start_time
    client = Mirror.open(locate(None, project.results), project.results).client
    assert len(client.get_metric_history(first.info.run_id, "train/loss")) == 8
    assert {"run.json", "metrics.json"} <= {entry.path for entry in client.list_artifacts(first.info.run_id)}
    (figure,) = client.list_artifacts(first.info.run_id, "figures")
    assert figure.path == "figures/curve.svg"


def test_the_parent_counts_the_new_one_alone(project):
    (parent,) = of_kind(imported(project), "variant").values()
    assert parent.data.metrics["runs_finished"] == 1


def test_a_second_import_changes_nothing_and_the_mirror_can_be_made_anew(project):
    first = of_kind(imported(project), "run")
    before = everything(project)
    imported(project)
    assert everything(project) == before
    shutil.rmtree(project.results / "mlflow")
    again = of_kind(imported(project), "run")
    for key, superseded in (("first", "true"), ("second", "false")):
        assert again[key].data.tags["scriptorium.superseded"] == superseded
        assert again[key].data.metrics == first[key].data.metrics


def test_one_that_was_imported_before_it_was_replaced_stays_one_run(project):
    shown = of_kind(imported(project), "run")
    run = project.runs.finetuning[0]
    replaced.keep(project.directory(run), "third")
    project.add(run, key="third", start=START + 900)
    runs = imported(project)
    assert len([each for each in runs if each.data.tags["scriptorium.kind"] == "run"]) == 3
    second = of_kind(runs, "run")["second"]
    assert second.info.run_id == shown["second"].info.run_id
    assert second.info.run_name.count("(superseded)") == 1


def test_the_audit_misses_it_until_it_is_imported(project):
    imported(project)
    store, directories = locate(None, project.results), ledgers(project.results)
    run = project.runs.finetuning[0]
    replaced.keep(project.directory(run), "third")
    manifest.write_json(
        project.directory(run) / replaced.FOLDER / "other-1/run.json",
        ledger.read_record(project.directory(run)) | {"key": "other"},
    )
    found, _ = portraits(project.results, project.runs, directories)
    older, _ = replaced_portraits(directories, project.runs)
    _, findings = mirror_findings(project.results, found, store, older)
    assert [(finding.kind, "replaced" in finding.detail) for finding in findings] == [("not mirrored", True)]
    imported(project)
    assert mirror_findings(project.results, found, store, older)[1] == []


def test_a_run_that_goes_on_replaces_nothing(project, tmp_path):
    run = project.runs.finetuning[1]
    directory = project.add(run, key="same", status=ledger.FAILED)
    assert replaced.keep(directory, "same") is None
    assert replaced.keep(directory, "other") is not None
    assert replaced.keep(tmp_path / "nothing", "other") is None
