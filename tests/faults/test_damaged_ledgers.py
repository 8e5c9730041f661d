"""Proves that a damaged ledger is named with its file and a remedy, and keeps no other run from audit and import; and
that its stage can run again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scriptorium import ledger, track
from scriptorium.fetching.spec import FetchSpec
from scriptorium.stage import execute
from scriptorium.stages import fetch
from scriptorium.tracking import database, store
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.portrait import portraits
from tests.fabricate import Project, build

Damage = Callable[[Path], object]


def text(name: str, content: str | bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def record(**facts: object) -> Damage:
    """Fields of run.json; a field that is `...` is taken out."""

    def change(folder: Path) -> None:
        values = json.loads((folder / "run.json").read_text()) | facts
        kept = {name: value for name, value in values.items() if value is not ...}
        (folder / "run.json").write_text(json.dumps(kept))

    return change


def event(line: str | bytes) -> Damage:
    def change(folder: Path) -> None:
        with (folder / "events.jsonl").open("ab") as events:
            events.write((line.encode() if isinstance(line, str) else line) + b"\n")

    return change


def cut(name: str, share: float) -> Damage:
    def change(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return change


def folder_instead(name: str) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


DEEP = '{"a":' * 20_000 + "1" + "}" * 20_000
FILES = ("run.json", "events.jsonl", "manifest.json", "metrics.json")
CONTENTS: dict[str, str | bytes] = {
    "empty": "",
    "not UTF-8": b'{"a": "\xff"}',
    "zeros": bytes(500),
    "a list": "[1, 2]",
    "a number": "7",
    "null": "null",
    "deep": DEEP,
    "digits": '{"a": ' + "9" * 6000 + "}",
    "NaN": '{"a": NaN}',
    "text": "oops",
    "surrogate": '{"a": "\\ud83d"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
}
FIELDS: dict[str, tuple] = {  # of run.json, with what stands there instead; `...`: nothing
    "key": (..., 5),
    "stage": (..., "nothing", ["a"]),
    "status": (..., "DONE"),
    "start": (..., "yesterday", -1, 1e300, 10**40),
    "end": ("later", None),
    "spec": (..., 3, ["a"], None),
    "inputs": (..., {}, ["a"], [{"name": "x"}], [{"name": 1, "path": 2, "sha256": 3}]),
    "outputs": (..., ["a"], [{"path": 5}]),
    "packages": (3, ["a"]),
    "git": ("x", [1]),
    "command": (..., 5, "a 'b", None),
    "code": (..., 7),
    "seed": ("x", [1]),
    "host": (None,),
    "pid": ("x", 10**30),
    "pid_start": ("x",),
    "device": (5,),
    "attempt": ("x", -1),
    "declared": (5, ["x"]),
    "slurm_job_id": ([1],),
}
EVENTS = (
    "[1]",
    "5",
    "null",
    "{}",
    '{"t": "x"}',
    '{"t": null, "note": "x"}',
    '{"t": 1e400, "note": "x"}',
    '{"t": 1, "note": 5}',
    '{"t": 1, "step": "x", "metrics": {"a": 1}}',
    '{"t": 1, "step": 1, "metrics": [1]}',
    '{"t": 1, "step": 1, "metrics": {"a": "x"}}',
    '{"t": 1, "step": 1, "metrics": {"a": NaN}}',
    '{"t": 1, "step": 1e30, "metrics": {"a": 1}}',
    '{"t": 1, "step": 99999999999999999999999, "metrics": {"a": 1}}',
    '{"t": 1, "metrics": {"a": 1}}',
    '{"step": 1, "metrics": {"a": 1}}',
    '{"t": 1, "artifact": 5, "kind": "file"}',
    '{"t": 1, "artifact": "gone.svg", "kind": "figure"}',
    '{"t": 1, "artifact": ".", "kind": "file"}',
    '{"t": 1, "artifact": "a\\u0000b", "kind": "file"}',
    '{"t": 1, "artifact": "metrics.json", "kind": ["x"]}',
    '{"t": 1, "note": "\\ud83d"}',
    DEEP,
)
DAMAGES: dict[str, Damage] = {
    **{f"{name}: {what}": text(name, content) for name in FILES for what, content in CONTENTS.items()},
    **{f"{name}: cut at {share}": cut(name, share) for name in FILES for share in (0.3, 0.9)},
    **{f"{name}: a folder": folder_instead(name) for name in FILES},
    **{f"{name} is {own!r}": record(**{name: own}) for name, values in FIELDS.items() for own in values},
    **{f"event {line[:50]}": event(line) for line in EVENTS},
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """Three finished runs of one variant beside an empty database."""
    root = tmp_path_factory.mktemp("sound") / "project"
    made = build(root)
    (made.results / "mlflow").mkdir()
    database.make(made.results / "mlflow/mlflow.db")
    variant = made.runs.finetuning[0].variant
    for run in [run for run in made.runs.finetuning if run.variant == variant][:3]:
        made.add(run)
    return root


@pytest.fixture
def project(sound, tmp_path, monkeypatch) -> Project:
    root = Path(shutil.copytree(sound, tmp_path / "project"))
    monkeypatch.chdir(root)
    return Project(root, track.load_runs(["config/config.yaml"], root))


def damaged_one(project: Project) -> Path:
    return ledger.find(project.results)[0]


@pytest.mark.parametrize("name", DAMAGES)
def test_audit_names_a_damaged_ledger_and_never_crashes(project, name, capsys):
    folder = damaged_one(project)
    DAMAGES[name](folder)
    assert track.main(["audit", "--quick"]) == 1
    said = capsys.readouterr().out
    assert "audit: NOT in order" in said
    if name.startswith("run.json"):
        assert "run.json" in said and "remedy: delete this file and run snakemake again" in said


@pytest.mark.parametrize("name", list(DAMAGES)[::4])
def test_import_leaves_out_what_it_cannot_show_and_no_other_run(project, name, capsys):
    DAMAGES[name](damaged_one(project))
    assert track.main(["import", "--summary", "summary.json"]) in (0, 3)
    counts = json.loads(Path("summary.json").read_text())
    assert counts["runs"] + len(counts["left_out"]) == 3 and counts["runs"] >= 2
    assert "Traceback" not in capsys.readouterr().err


def test_audit_sees_events_that_were_cut_off(project, capsys):
    folder = damaged_one(project)
    assert ledger.read_record(folder)["events"] == ledger.events_digest(folder)
    path = folder / "events.jsonl"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    track.main(["audit", "--quick"])
    said = capsys.readouterr().out
    assert "events.jsonl has" in said and "cut off or changed; remedy" in said


@pytest.mark.parametrize("outside", ["../../../../../../../../etc/passwd", "/etc/passwd", "link", "../../../../secret"])
def test_only_files_of_the_run_are_uploaded(project, outside):
    folder = damaged_one(project)
    (project.root / "secret").write_text("root:x:0:0")
    (folder / "link").symlink_to("/etc/passwd")
    event(json.dumps({"t": 1.0, "artifact": outside, "kind": "file"}))(folder)
    record(declared={"table": "/etc/passwd", "other": "secret"})(folder)
    picture = next(each for each in portraits(project.results, project.runs)[0] if each.directory == folder)
    files, texts = picture.files()
    assert not [path for path in files.values() if "root:x:0:0" in path.read_text(errors="replace")]
    assert "is no file of this run and was not uploaded" in texts["notes.txt"]


def test_declared_output_beside_the_run_is_uploaded(project):
    folder = damaged_one(project)
    table = project.results / "tables/x.tsv"
    table.parent.mkdir()
    table.write_text("a\n")
    record(declared={"table": "results/tables/x.tsv"})(folder)
    journal = ledger.Ledger(folder, ledger.read_record(folder))
    journal.artifact(table, "table")
    picture = next(each for each in portraits(project.results, project.runs)[0] if each.directory == folder)
    assert table.resolve() in picture.files()[0].values()


@pytest.mark.parametrize("content", [*CONTENTS.values(), '{"status": "RUNNING"}', '{"status": 5, "key": "x"}'])
def test_damaged_record_does_not_stop_its_stage_from_running_again(tmp_path, content):
    (tmp_path / "own.txt").write_text("text")
    spec = FetchSpec(name="own", source="file", location="own.txt")
    given = {"out": tmp_path / "out", "inputs": {"own": [tmp_path / "own.txt"]}, "state": tmp_path / "state"}
    execute("fetch", spec, fetch.run, **given)
    (tmp_path / "out/run.json").write_bytes(content.encode() if isinstance(content, str) else content)
    execute("fetch", spec, fetch.run, **given)
    assert ledger.read_record(tmp_path / "out")["status"] == ledger.FINISHED


def test_lost_id_of_the_project_is_taken_up_again_from_its_own_database(project):
    assert track.main(["import"]) == 0
    before = store.project_id(project.results)
    (project.results / ".project").unlink()
    assert track.main(["import"]) == 0
    assert store.project_id(project.results) == before
    runs = Mirror.open(store.locate(None, project.results), project.results).runs
    paths = [run.data.tags["scriptorium.path"] for run in runs]
    assert len(paths) == len(set(paths))


def test_renamed_experiment_is_found_again_by_its_tag(project):
    assert track.main(["import"]) == 0
    place = store.locate(None, project.results)
    client = store.connect(place)
    (study,) = {each.study for each in project.runs.finetuning if project.directory(each).exists()}
    (experiment,) = [each for each in client.search_experiments() if each.name == study]
    client.rename_experiment(experiment.experiment_id, f"{study} (June)")
    there = next(run for run in project.runs.finetuning if project.directory(run).exists())
    new = next(
        run
        for run in project.runs.finetuning
        if run.study == study and run.variant == there.variant and not project.directory(run).exists()
    )
    project.add(new)
    assert track.main(["import"]) == 0
    assert study not in [each.name for each in client.search_experiments()]
    found = client.search_runs([experiment.experiment_id])
    assert new.path in [run.data.tags["scriptorium.path"] for run in found]


def test_import_says_whom_it_waits_for(project, capfd):
    with store.one_writer(project.results):
        waiting = subprocess.Popen(
            [sys.executable, "-m", "scriptorium.track", "import"], stderr=subprocess.PIPE, text=True
        )
        line = waiting.stderr.readline()
    waiting.communicate(timeout=300)
    assert line.startswith("waiting for process") and "writes to MLflow" in line
