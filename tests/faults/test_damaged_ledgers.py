"""Proves that a damaged ledger is named with its file and a remedy, and keeps no other run from audit and import; and
that its stage can run again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scriptorium import ledger, track
from scriptorium.tracking import database
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
DAMAGES: dict[str, Damage] = {
    **{
        f"{name}: {what}": text(name, content)
        for name in ("run.json", "events.jsonl", "manifest.json", "metrics.json")
        for what, content in {
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
        }.items()
    },
    **{
        f"{name}: cut at {share}": cut(name, share)
        for name in ("run.json", "events.jsonl", "manifest.json", "metrics.json")
        for share in (0.3, 0.9)
    },
    **{
        f"{name}: a folder": folder_instead(name)
        for name in ("run.json", "events.jsonl", "manifest.json", "metrics.json")
    },
    **{
        f"run.json: {name} is {value!r}": record(**{name: value})
        for name, value in [
            ("key", ...),
            ("key", 5),
            ("stage", ...),
            ("stage", "nothing"),
            ("stage", ["a"]),
            ("status", ...),
            ("status", "DONE"),
            ("start", ...),
            ("start", "yesterday"),
            ("start", -1),
            ("start", 1e300),
            ("start", 10**40),
            ("end", "later"),
            ("end", None),
            ("spec", ...),
            ("spec", 3),
            ("spec", ["a"]),
            ("spec", None),
            ("inputs", ...),
            ("inputs", {}),
            ("inputs", ["a"]),
            ("inputs", [{"name": "x"}]),
            ("inputs", [{"name": 1, "path": 2, "sha256": 3}]),
            ("outputs", ...),
            ("outputs", ["a"]),
            ("outputs", [{"path": 5}]),
            ("packages", 3),
            ("packages", ["a"]),
            ("git", "x"),
            ("git", [1]),
            ("command", 5),
            ("command", "a 'b"),
            ("command", None),
            ("command", ...),
            ("code", ...),
            ("code", 7),
            ("seed", "x"),
            ("seed", [1]),
            ("host", None),
            ("pid", "x"),
            ("pid", 10**30),
            ("pid_start", "x"),
            ("device", 5),
            ("attempt", "x"),
            ("attempt", -1),
            ("declared", 5),
            ("declared", ["x"]),
            ("threads", "x"),
            ("python", 3),
            ("slurm_job_id", [1]),
        ]
    },
    **{
        f"events.jsonl: {line[:40]!r}": event(line)
        for line in [
            "[1]",
            "5",
            "null",
            '"x"',
            "{}",
            '{"t": "x"}',
            '{"t": null, "note": "x"}',
            '{"t": 1e400, "note": "x"}',
            '{"note": 5, "t": 1}',
            '{"t": 1, "step": "x", "metrics": {"a": 1}}',
            '{"t": 1, "step": 1, "metrics": [1]}',
            '{"t": 1, "step": 1, "metrics": {"a": "x"}}',
            '{"t": 1, "step": 1, "metrics": {"a": NaN}}',
            '{"t": 1, "step": 1e30, "metrics": {"a": 1}}',
            '{"t": 1, "step": 99999999999999999999999, "metrics": {"a": 1}}',
            '{"t": 1, "metrics": {"a": 1}}',
            '{"step": 1, "metrics": {"a": 1}}',
            '{"t": 1, "artifact": 5, "kind": "file"}',
            '{"t": 1, "artifact": "../../../../etc/passwd", "kind": "file"}',
            '{"t": 1, "artifact": "/etc/passwd", "kind": "file"}',
            '{"t": 1, "artifact": "gone.svg", "kind": "figure"}',
            '{"t": 1, "artifact": ".", "kind": "file"}',
            '{"t": 1, "artifact": "a\\u0000b", "kind": "file"}',
            DEEP,
            '{"t": 1, "artifact": "metrics.json"}',
            '{"t": 1, "note": "\\ud83d"}',
            '{"t": 1, "params": 5}',
        ]
    },
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


SLOW = 12  # every so many goes into the usual test


@pytest.mark.parametrize("name", DAMAGES)
def test_audit_names_a_damaged_ledger_and_never_crashes(project, name, capsys):
    folder = damaged_one(project)
    DAMAGES[name](folder)
    assert track.main(["audit", "--quick"]) == 1
    said = capsys.readouterr().out
    assert "audit: NOT in order" in said
    assert "Traceback" not in said
