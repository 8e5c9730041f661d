"""Proves that races, dead servers and secrets do the mirror no harm, and that audit and verify find planted defects."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from scriptorium import ledger, manifest, verify
from scriptorium.errors import UserError
from scriptorium.runs import Run
from scriptorium.track import load_runs
from scriptorium.tracking import follow
from scriptorium.tracking.audit import audit
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.replay import import_all
from scriptorium.tracking.store import locate
from tests.fabricate import START, Project, build, write_events

CORPUS = Run("results/data/corpora/english", "prepare_corpus", "", "", "english")
SECRET = "hunter2"

# a job as another process: a ledger that gets a point every 0.2 s
JOB = """
import json, sys, time
from pathlib import Path
from scriptorium import ledger
directory, facts, points = Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
journal = ledger.Ledger.open(directory, **facts)
for step in range(points):
    journal.metrics(step, {"train/loss": 1 / (step + 1)})
    time.sleep(0.2)
journal.finish("FINISHED")
"""


@pytest.fixture
def project(tmp_path) -> Project:
    return build(tmp_path / "project")


def imported(project: Project) -> dict:
    return import_all(project.results, project.runs, locate(None, project.results))


def start_job(project: Project, run: Run, points: int) -> subprocess.Popen:
    """Start JOB for a run, and wait until its ledger is there."""
    facts = {"key": "live", "stage": run.stage, "spec": {"seed": run.seed}, "code": "c", "declared": {}}
    words = [sys.executable, "-c", JOB, str(project.directory(run)), manifest.json.dumps(facts), str(points)]
    job = subprocess.Popen(words)
    while not (project.directory(run) / "run.json").exists():
        assert job.poll() is None
        time.sleep(0.02)
    return job


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def traces_of(secret: str, folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]


# --- races ----------------------------------------------------------------------------------------------------


def test_two_imports_at_once_into_a_cold_database_both_succeed_and_make_no_duplicates(project):
    for run in project.runs.finetuning[:4]:
        project.add(run)
    words = [sys.executable, "-m", "scriptorium.track", "import", "--summary"]
    both = [
        subprocess.Popen([*words, f"{i}.json"], cwd=project.root, stderr=subprocess.PIPE, text=True) for i in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert (project.root / "0.json").read_bytes() == (project.root / "1.json").read_bytes()
    with sqlite3.connect(project.results / "mlflow/mlflow.db") as database:
        (runs,) = database.execute("select count(*) from runs").fetchone()
        (paths,) = database.execute("select count(distinct value) from tags where key = 'scriptorium.path'").fetchone()
    assert runs == paths == 4 + len({r.variant for r in project.runs.finetuning[:4]})


# --- servers --------------------------------------------------------------------------------------------------


def test_a_dead_server_neither_stops_the_job_nor_the_follower_and_no_secret_is_written(project, monkeypatch):
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(follow, "EVERY", 0.1)
    monkeypatch.setattr(follow, "GRACE", 1.0)
    run = project.runs.finetuning[0]
    job = start_job(project, run, points=10)
    store = locate(f"http://me:{SECRET}@127.0.0.1:{free_port()}", project.results)
    assert SECRET not in store.uri
    assert follow.follow(project.directory(run), job.pid, project.results, project.runs, store) == 0
    assert job.wait(timeout=1) == 0
    events = list(ledger.read_events(project.directory(run)))
    assert len(events) == 10
    assert max(b["t"] - a["t"] for a, b in itertools.pairwise(events)) < 5
    assert traces_of(SECRET, project.root) == []


def test_an_import_into_a_dead_server_says_so_and_hides_the_secret(project):
    project.add(project.runs.finetuning[0])
    uri = f"http://me:{SECRET}@127.0.0.1:{free_port()}"
    done = subprocess.run(
        [sys.executable, "-m", "scriptorium.track", "import"],
        cwd=project.root,
        capture_output=True,
        text=True,
        env={**os.environ, "SCRIPTORIUM_TRACKING_URI": uri},
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert "nothing is lost" in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert traces_of(SECRET, project.root) == []


def test_a_secret_in_the_configuration_is_refused_and_not_repeated(project):
    config = project.root / "config/config.yaml"
    text = config.read_text(encoding="utf-8")
    text = text.replace("uri: null", f"uri: http://me:{SECRET}@host:5000")
    assert SECRET in text
    config.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="MLFLOW_TRACKING_PASSWORD") as caught:
        load_runs([str(config)], project.root)
    assert SECRET not in str(caught.value)


def test_a_follower_leaves_a_run_that_another_attempt_has_taken_over(project):
    run = project.runs.finetuning[0]
    directory = project.add(run, status=ledger.RUNNING)
    store = locate("http://127.0.0.1:1", project.results)
    assert follow.follow(directory, os.getpid(), project.results, project.runs, store) == 0


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """A real MLflow server on a free port of the loopback interface."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
            "--backend-store-uri",
            f"sqlite:///{folder}/server.db",
            "--artifacts-destination",
            str(folder / "artifacts"),
        ],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(1200):
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            assert process.poll() is None, "the server did not start"
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_run_can_be_watched_live_on_a_server_and_the_import_only_completes_it(project, tmp_path):
    run = project.runs.finetuning[0]
    with server(tmp_path) as uri:
        job = start_job(project, run, points=60)
        follower = subprocess.Popen(
            [sys.executable, "-m", "scriptorium.track", "follow", run.path, "--parent", str(job.pid)],
            cwd=project.root,
            env={**os.environ, "SCRIPTORIUM_TRACKING_URI": uri},
        )
        store = locate(uri, project.results)
        mirror = Mirror.open(store, project.results)
        seen = []
        while follower.poll() is None:
            mirror.load()
            for shown in mirror.runs:
                if shown.data.tags["scriptorium.kind"] == "run" and "train/loss" in shown.data.metrics:
                    seen.append((shown.info.status, len(mirror.known_points(shown.info.run_id, ["train/loss"]))))
            time.sleep(0.5)
        assert (follower.returncode, job.wait(timeout=1)) == (0, 0)
        assert any(status == "RUNNING" and 0 < points < 60 for status, points in seen), seen
        mirror.load()
        (child,) = [r for r in mirror.runs if r.data.tags["scriptorium.kind"] == "run"]
        assert child.info.status == "FINISHED"
        history = mirror.client.get_metric_history(child.info.run_id, "train/loss")
        assert [p.step for p in history] == list(range(60))
        assert {f.path for f in mirror.client.list_artifacts(child.info.run_id)} >= {"run.json", "spec.json"}

        import_all(project.results, project.runs, store)
        mirror.load()
        (again,) = [r for r in mirror.runs if r.data.tags["scriptorium.kind"] == "run"]
        assert again.to_dictionary() == child.to_dictionary()
        assert mirror.client.get_metric_history(child.info.run_id, "train/loss") == history
        assert {r.info.status for r in mirror.runs} == {"FINISHED"}


def test_a_port_in_use_is_told_with_another_one(project):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        words = [sys.executable, "-m", "scriptorium.track", "ui", "--port", str(port)]
        done = subprocess.run(words, cwd=project.root, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"port {port} cannot be used" in done.stderr
    assert f"--port {port + 1}" in done.stderr


# --- audit ----------------------------------------------------------------------------------------------------


def test_the_audit_of_an_orderly_project_finds_nothing_and_each_planted_defect_is_found(project, capsys):
    def findings(content: bool = True) -> set[tuple[str, str]]:
        """(kind, path) of every finding, and whether the exit code agrees."""
        code = audit(project.results, project.runs, locate(None, project.results), content=content)
        lines = capsys.readouterr().out.splitlines()
        found = {
            (line[:13].strip(), line[14:]) for line in lines if line[:13].strip() and not line.startswith("audit:")
        }
        assert lines[-1].startswith("audit: NOT in order" if found else "audit: in order")
        assert code == bool(found)
        return found

    runs = list(project.runs.all())
    project.add(CORPUS, steps=0)
    digest = manifest.content_digest(project.directory(CORPUS))
    given = {"inputs": [{"name": "corpus", "path": f"{CORPUS.path}/manifest.json", "sha256": digest}]}
    for run in runs:
        project.add(run, **(given if run is runs[5] else {}))
    assert findings() == {("not mirrored", "all ledgers")}  # no database yet, and none is made
    assert not (project.results / "mlflow").exists()
    imported(project)
    assert findings() == set()

    def record(run: Run, **changes) -> None:
        path = project.directory(run) / "run.json"
        manifest.write_json(path, ledger.read_record(path.parent) | changes)

    shutil.rmtree(project.directory(runs[0]))
    record(runs[1], code="0" * 16)
    record(runs[2], spec={**ledger.read_record(project.directory(runs[2]))["spec"], "seed": 77})
    (project.directory(runs[3]) / "metrics.json").write_text("{}\n", encoding="utf-8")
    metrics = project.directory(runs[4]) / "metrics.json"
    metrics.write_bytes(metrics.read_bytes().replace(b"0.8", b"0.9"))  # the same size
    other = project.directory(CORPUS) / "metrics.json"
    manifest.write_json(other, {"test/accuracy": 0.1})
    record(CORPUS, outputs=manifest.read(manifest.write(other.parent, [other]))["files"])
    for run, status in ((runs[6], ledger.FAILED), (runs[7], ledger.KILLED)):
        record(run, status=status)
    record(runs[8], status=ledger.RUNNING, pid=2**22 + 1)
    (project.directory(runs[9]) / "manifest.json").unlink()
    mirror = Mirror.open(locate(None, project.results), project.results)
    (shown,) = [r for r in mirror.runs if r.data.tags["scriptorium.path"] == runs[10].path]
    mirror.client.create_run(shown.info.experiment_id, shown.info.start_time, shown.data.tags)
    with (project.directory(runs[11]) / "events.jsonl").open("a") as events:
        events.write('{"t": 1790000000.0, "note": "later"}\n')
    (project.directory(runs[12]) / "run.json").write_text("{", encoding="utf-8")
    (shown,) = [r for r in mirror.runs if r.data.tags["scriptorium.path"] == runs[13].path]
    mirror.client.delete_run(shown.info.run_id)

    planted = {
        ("missing", runs[0].path),
        ("no ledger", runs[0].path),
        ("stale", runs[1].path),
        ("stale", runs[2].path),
        ("damaged", runs[3].path),
        ("damaged", runs[4].path),
        ("stale", runs[5].path),
        ("unfinished", runs[6].path),
        ("unfinished", runs[7].path),
        ("unfinished", runs[8].path),
        ("damaged", runs[9].path),
        ("duplicate", runs[10].path),
        ("not mirrored", runs[11].path),
        ("damaged", runs[11].path),  # its journal is not the one that the run ended with
        ("unreadable", runs[12].path),
        ("not mirrored", runs[13].path),
    }
    unsent = {("not mirrored", r.path) for r in (runs[1], runs[2], runs[3], runs[4], runs[6], runs[7], runs[8])}
    found = findings()
    assert planted <= found, planted - found
    side_effects = {("not mirrored", CORPUS.path), ("missing", runs[12].path), ("no ledger", runs[12].path)}
    assert found - planted <= unsent | side_effects
    assert ("damaged", runs[4].path) not in findings(content=False)  # the size is right: only the content tells


# --- verify ---------------------------------------------------------------------------------------------------


@pytest.fixture
def made(project, monkeypatch) -> Path:
    """A finished corpus run, made by the stages' own command lines from a text file."""
    monkeypatch.chdir(project.root)
    text = "\n\n".join(f"This is paragraph {i} of a short chronicle, and it is long enough." for i in range(40))
    Path("chronicle.txt").write_text(text, encoding="utf-8")
    fetch = {"name": "chronicle", "source": "file", "location": "chronicle.txt"}
    corpus = {"corpus": "english", "sources": [{"dataset": "chronicle", "reader": "text"}], "validation_share": 0.2}
    out = Path("results/data/corpora/english")
    for stage, spec, words in (
        ("fetch", fetch, ["--out", "resources/chronicle"]),
        ("prepare_corpus", corpus, ["--out", str(out), "--input", "sources=resources/chronicle/manifest.json"]),
    ):
        command = [sys.executable, "-m", f"scriptorium.stages.{stage}", "--spec", manifest.json.dumps(spec), *words]
        subprocess.run(command, check=True, timeout=120)
    return out


def test_a_repeated_run_is_identical_and_one_changed_byte_is_found(made, capsys):
    assert verify.main([str(made)]) == 0
    assert "identical" in capsys.readouterr().out
    victim = made / "documents.parquet"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    written = manifest.read(manifest.write(made, [victim]))["files"]  # as if the first run had made these bytes
    manifest.write_json(made / "run.json", ledger.read_record(made) | {"outputs": written})
    assert verify.main([str(made)]) == 1
    out = capsys.readouterr().out
    assert "DIFFERENT" in out
    assert "documents.parquet" in out
    assert "NOT in order" in out


def test_a_run_whose_input_changed_is_not_repeated(made, capsys):
    Path("chronicle.txt").write_text("Another chronicle.\n", encoding="utf-8")
    source = Path("resources/chronicle")
    next(source.glob("*.txt")).write_text("Another chronicle.\n", encoding="utf-8")
    manifest.write(source, source.glob("*.txt"))
    assert verify.main([str(made)]) == 2
    assert "changed since" in capsys.readouterr().err


def test_an_unfinished_run_is_not_repeated(project, capsys):
    directory = project.add(project.runs.finetuning[0], status=ledger.FAILED)
    assert verify.main([str(directory)]) == 2
    assert "only finished runs" in capsys.readouterr().err


def test_a_note_after_a_line_cut_by_a_kill_is_still_readable(project):
    directory = project.add(project.runs.finetuning[0], status=ledger.RUNNING, start=START)
    write_events(directory, [{"t": START, "step": 1, "metrics": {"train/loss": 1.0}}])
    with (directory / "events.jsonl").open("a") as events:
        events.write('{"t": 1790000001.0, "st')
    imported(project)
    assert "is gone" in list(ledger.read_events(directory))[-1]["note"]
