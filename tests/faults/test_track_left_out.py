"""Proves that a run that MLflow refuses, or whose files cannot be read, keeps no other run from the mirror."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from mlflow.entities import Param
from mlflow.exceptions import MlflowException

from scriptorium import ledger, manifest, track
from scriptorium.errors import UserError
from scriptorium.runs import Run
from scriptorium.tracking import complaints, database
from scriptorium.tracking.audit import audit
from scriptorium.tracking.mirror import LEFT_OUT, Mirror
from scriptorium.tracking.portrait import Portrait
from scriptorium.tracking.spelling import original
from scriptorium.tracking.store import locate
from tests.fabricate import Project, build, write_events

LABELS = ("", ".", "..", "a//b", "km/", ",", "?", "x" * 300, "\ud800", "a:2C:b", "NOUN")


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """An empty database: to make one takes seconds."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    database.make(path)
    return path


@pytest.fixture
def project(tmp_path, empty, monkeypatch) -> Project:
    """Three finished runs of one variant; the test makes the first one faulty."""
    made = build(tmp_path / "project")
    (made.results / "mlflow").mkdir()
    shutil.copy(empty, made.results / "mlflow")
    for run in runs_of(made):
        made.add(run)
    monkeypatch.chdir(made.root)
    return made


def runs_of(project: Project) -> list[Run]:
    variant = project.runs.finetuning[0].variant
    return [run for run in project.runs.finetuning if run.variant == variant][:3]


def faulty(project: Project) -> Path:
    return project.directory(runs_of(project)[0])


def mirrored(project: Project) -> dict[str, object]:
    """The MLflow runs by path."""
    mirror = Mirror.open(locate(None, project.results), project.results)
    return {run.data.tags["scriptorium.path"]: run for run in mirror.runs}


def change(directory: Path, **facts: object) -> None:
    (directory / "run.json").write_text(json.dumps(ledger.read_record(directory) | facts), encoding="utf-8")


def test_names_that_mlflow_refuses_reach_it_respelled_and_can_be_read_back(project):
    numbers = {f"share/train/{label}": 0.25 + i / 100 for i, label in enumerate(LABELS)}
    events = [{"t": 1_790_000_001.0 + step, "step": step, "metrics": numbers} for step in (1, 2)]
    text = "".join(json.dumps(event) + "\n" for event in events)
    (faulty(project) / "events.jsonl").write_text(text, encoding="utf-8")
    (faulty(project) / "metrics.json").write_text(json.dumps(numbers), encoding="utf-8")
    change(faulty(project), spec={"labels": {label: i for i, label in enumerate(LABELS)}})
    assert track.main(["import", "--summary", "summary.json"]) == 0
    summary = json.loads(Path("summary.json").read_text(encoding="utf-8"))
    assert (summary["runs"], summary["left_out"]) == (3, {})

    shown = mirrored(project)[runs_of(project)[0].path]
    folder = Path(shown.info.artifact_uri.removeprefix("file://"))
    kept = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    kept = {spelled: json.loads(f'"{name}"') if "\\ud800" in name else name for spelled, name in kept.items()}
    assert {original(name, kept): value for name, value in shown.data.metrics.items()} == numbers
    assert shown.data.metrics["share/train/:2E:"] == numbers["share/train/."]
    assert shown.data.metrics["share/train/NOUN"] == numbers["share/train/NOUN"]
    assert {original(name, kept) for name in shown.data.params} == {f"labels.{label}" for label in LABELS}
    parent = mirrored(project)["/".join((runs_of(project)[0].study, runs_of(project)[0].variant))]
    task = runs_of(project)[0].task
    assert parent.data.metrics[f"{task}/share/train/:2C:_mean"] == numbers["share/train/,"]


def unreadable(project, monkeypatch):
    (faulty(project) / "run.json").write_text("{", encoding="utf-8")


def not_a_record(project, monkeypatch):
    (faulty(project) / "run.json").write_text("[1, 2]", encoding="utf-8")


def without_a_host(project, monkeypatch):
    record = ledger.read_record(faulty(project))
    manifest.write_json(faulty(project) / "run.json", {k: v for k, v in record.items() if k != "host"})


def a_step_too_large(project, monkeypatch):
    write_events(faulty(project), [{"t": 1_790_000_001.0, "step": 2**70, "metrics": {"loss": 1.0}}])


def a_text_for_a_number(project, monkeypatch):
    write_events(faulty(project), [{"t": 1_790_000_001.0, "step": 1, "metrics": {"loss": "low"}}])


def a_number_too_large(project, monkeypatch):
    (faulty(project) / "metrics.json").write_text('{"loss": 1' + "0" * 400 + "}", encoding="utf-8")


def a_param_that_changed(project, monkeypatch):
    log = Mirror._log

    def log_and_change(self, run_id, points, params, tags):
        log(self, run_id, points, params, tags)
        if self.client.get_run(run_id).data.tags["scriptorium.path"] == runs_of(project)[0].path:
            self.client.log_batch(run_id, params=[Param(next(iter(params)), "another value")])

    monkeypatch.setattr(Mirror, "_log", log_and_change)


def a_vanished_artifact(project, monkeypatch):
    whole = Portrait.files

    def files(self):
        found, texts = whole(self)
        if self.run.path == runs_of(project)[0].path:  # deleted after it had been seen
            found["figures/gone.svg"] = self.directory / "gone.svg"
        return found, texts

    monkeypatch.setattr(Portrait, "files", files)


FAULTS = {
    unreadable: "not JSON",
    not_a_record: "not a record",
    without_a_host: "lacks 'host'",
    a_step_too_large: "",
    a_text_for_a_number: "",
    a_number_too_large: "cannot be shown",
    a_param_that_changed: "Changing param values is not allowed",
    a_vanished_artifact: "gone.svg",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_faulty_run_is_left_out_by_name_and_all_others_are_there(project, fault, monkeypatch, capsys):
    first, *others = (run.path for run in runs_of(project))
    fault(project, monkeypatch)
    assert track.main(["import", "--summary", "summary.json"]) == 3
    summary = json.loads(Path("summary.json").read_text(encoding="utf-8"))
    assert (summary["runs"], list(summary["left_out"])) == (2, [first])
    err = capsys.readouterr().err
    assert f"left out: {first}: " in err
    assert FAULTS[fault] in err
    shown = mirrored(project)
    assert {shown[path].info.status for path in others} == {"FINISHED"}
    if first in shown:  # a part of it reached MLflow: that is said there, and it does not look as if it went on
        assert shown[first].info.status == "FINISHED"
        assert shown[first].data.tags[LEFT_OUT] == summary["left_out"][first]
    assert audit(project.results, project.runs, locate(None, project.results)) == 1
    findings = capsys.readouterr().out
    assert [line.split()[-1] for line in findings.splitlines() if line.startswith(("unreadable", "not mirrored"))] == [
        first
    ]


def test_a_run_that_was_left_out_is_mirrored_as_soon_as_it_is_sound(project, capsys):
    first = runs_of(project)[0]
    events = list(ledger.read_events(project.directory(first)))
    write_events(project.directory(first), [*events, {"t": 1_790_000_001.0, "step": 2**70, "metrics": {"loss": 1.0}}])
    assert track.main(["import"]) == 3
    write_events(project.directory(first), events)
    assert track.main(["import"]) == 0
    shown = mirrored(project)[first.path]
    assert LEFT_OUT not in shown.data.tags
    assert shown.data.tags["scriptorium.superseded"] == "false"
    assert len([path for path in mirrored(project) if path == first.path]) == 1


def test_a_run_that_is_left_out_later_keeps_its_place_in_mlflow(project):
    assert track.main(["import"]) == 0
    write_events(faulty(project), [{"t": 1_790_000_001.0, "step": 2**70, "metrics": {"loss": 1.0}}])
    assert track.main(["import"]) == 3
    shown = mirrored(project)[runs_of(project)[0].path]
    assert shown.data.tags["scriptorium.superseded"] == "false"
    assert LEFT_OUT in shown.data.tags


def test_what_is_wrong_with_the_store_stops_the_import_and_is_no_fault_of_a_run(project, monkeypatch, capsys):
    def locked(*_):
        raise MlflowException("(sqlite3.OperationalError) database is locked")

    monkeypatch.setattr(Mirror, "_log", locked)
    assert track.main(["import"]) == 2
    err = capsys.readouterr().err
    assert "keeps MLflow's database locked" in err
    assert "left out" not in err


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            "API request to endpoint /api failed with error code 401 != 200. Response body: ''",
            "MLFLOW_TRACKING_PASSWORD",
        ),
        ("API request to http://127.0.0.1:44019/api failed: Max retries exceeded", "nothing is lost"),
    ],
    ids=["401", "a port that contains 401"],
)
def test_only_an_answer_of_401_asks_for_a_password(said, remedy):
    with pytest.raises(UserError) as caught, complaints.answering("http://127.0.0.1:44019"):
        raise MlflowException(said)
    assert remedy in str(caught.value.remedy)


def test_a_full_disk_is_told_wherever_it_is_noticed():
    found = complaints.of_the_store(OSError(28, "No space left on device", "/somewhere/file"), "results")
    assert isinstance(found, UserError)
    assert str(found).startswith("/somewhere/file: the disk refuses to write")
    wrapped = shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])
    assert complaints.of_the_store(wrapped, "results")
    assert complaints.of_the_store(OSError(2, "No such file or directory", "gone"), "results") is None
