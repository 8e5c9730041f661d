"""Proves that no kill, full disk, damage or lock leaves a mirror that fails for ever; a healthy one is kept."""

from __future__ import annotations

import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from scriptorium.errors import UserError
from scriptorium.tracking import database as databases
from scriptorium.tracking.database import find_fault, make_ready
from scriptorium.tracking.mirror import Mirror
from scriptorium.tracking.store import locate, project_id
from tests.fabricate import Project, build

# an import that kills itself at the n-th statement that is sent to the database
KILLED_IMPORT = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from scriptorium import track
left = int(sys.argv[1])
@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
sys.exit(track.main(["import"]))
"""
KILLED_WRITER = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("DELETE FROM experiments")
connection.execute("CREATE TABLE noise (text)")
for _ in range(2000):
    connection.execute("INSERT INTO noise VALUES (hex(randomblob(400)))")
os.kill(os.getpid(), signal.SIGKILL)
"""
HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def healthy(tmp_path_factory) -> Path:
    """A database as MLflow wants it: to make one takes seconds."""
    path = tmp_path_factory.mktemp("healthy") / "mlflow.db"
    databases.make(path)
    return path


@pytest.fixture
def database(tmp_path, healthy, monkeypatch) -> Path:
    """A healthy database with an artifact beside it; further ones are made by copying."""
    path = tmp_path / "results/mlflow/mlflow.db"
    (path.parent / "artifacts").mkdir(parents=True)
    (path.parent / "artifacts/run.json").write_text("{}", encoding="utf-8")
    shutil.copy(healthy, path)
    monkeypatch.setattr(databases, "make", lambda missing: shutil.copy(healthy, missing))
    monkeypatch.setattr(databases, "PATIENCE", 0.2)
    return path


@pytest.fixture
def project(tmp_path) -> Project:
    made = build(tmp_path / "project")
    for run in (*made.runs.finetuning[:3], *made.runs.pretraining[:1]):
        made.add(run)
    return made


def import_in(project: Project, *words: str, bytes_per_file: int | None = None) -> subprocess.CompletedProcess:
    """`track import` as another process (or the program `words`), with a largest size of files if one is given."""

    def limit() -> None:
        if bytes_per_file:
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_per_file, bytes_per_file))

    command = [sys.executable, *(words or ("-m", "scriptorium.track", "import"))]
    return subprocess.run(
        command, cwd=project.root, capture_output=True, text=True, timeout=300, check=False, preexec_fn=limit
    )


def content(project: Project) -> list[tuple]:
    """All that the mirror shows, without what MLflow numbers as it likes."""
    mirror, shown = Mirror.open(locate(None, project.results), project.results), []
    for run in mirror.runs:
        data, place = run.data, run.info.experiment_id
        tags = {key: value for key, value in data.tags.items() if key not in ("mlflow.parentRunId", "mlflow.user")}
        points = [p for key in data.metrics for p in mirror.client.get_metric_history(run.info.run_id, key)]
        files = {file.path for file in mirror.client.list_artifacts(run.info.run_id)}
        models = mirror.client.search_logged_models([place], f"source_run_id = '{run.info.run_id}'")
        counts = (len(points), len(run.inputs.dataset_inputs), len(models), len(run.outputs.model_outputs))
        shown.append((tags, data.params, data.metrics, run.info.status, files, counts))
    return sorted(shown, key=lambda entry: entry[0]["scriptorium.path"])


def set_aside(database: Path) -> list[Path]:
    return sorted(database.parent.glob("set-aside-*"))


# --- killed and full ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_import_killed_at_any_moment_leaves_nothing_that_the_next_one_cannot_use(project, tmp_path):
    project_id(project.results)  # both belong to the same project
    undisturbed = Project(shutil.copytree(project.root, tmp_path / "undisturbed"), project.runs)
    database = project.results / "mlflow/mlflow.db"
    # while the database is made, which takes about 1700 statements, then while it is filled
    for statement in (3, 850, 1600, 1750, 60):
        done = import_in(project, "-c", KILLED_IMPORT, str(statement))
        assert done.returncode == -signal.SIGKILL, (statement, done.stderr)
        assert find_fault(database) is None, statement
    for each in (project, undisturbed):
        done = import_in(each)
        assert (done.returncode, done.stderr) == (0, "")
    assert content(project) == content(undisturbed)
    assert set_aside(database) == []
    assert not list(database.parent.glob(".*.draft*"))


@pytest.mark.parametrize("size", [200_000, pytest.param(1_010_000, marks=pytest.mark.slow)])
def test_a_disk_that_is_full_is_told_in_one_sentence_and_the_next_import_is_complete(project, size):
    project.add(project.runs.finetuning[0], steps=3000)
    done = import_in(project, bytes_per_file=size)  # enough for a part of the database, or for the empty database
    assert done.returncode == 2, done.stderr
    assert "the disk refuses to write" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr  # the sentence and its remedy
    assert find_fault(project.results / "mlflow/mlflow.db") is None
    done = import_in(project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("4 ledgers are in MLflow (4 FINISHED)")


@pytest.mark.slow
def test_a_full_file_system_is_told_in_one_sentence_and_the_next_import_is_complete(project):
    place = project.results / "mlflow"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("file systems can be mounted by root only")
    try:
        done = import_in(project)
        assert done.returncode == 2, done.stderr
        assert "the disk refuses to write" in done.stderr
        assert "Traceback" not in done.stderr
        subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
        done = import_in(project)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("4 ledgers are in MLflow (4 FINISHED)")
    finally:
        subprocess.run(["umount", str(place)], check=True)


# --- unusable -------------------------------------------------------------------------------------------------


def half_made(path: Path) -> None:
    """What was left when the making was killed in place: the first tables, but not the later ones."""
    import sqlalchemy
    from mlflow.store.tracking.dbmodels.initial_models import Base

    path.unlink()
    Base.metadata.create_all(sqlalchemy.create_engine(f"sqlite:///{path}"))


def damaged(path: Path) -> None:
    middle = bytearray(path.read_bytes())
    middle[4096 : len(middle) - 4096] = b"\xff" * (len(middle) - 8192)
    path.write_bytes(middle)


def changed(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


UNUSABLE = {
    "empty": lambda path: path.write_bytes(b""),
    "another file": lambda path: path.write_text("not a database, but a text of some length\n" * 40),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:100_000]),
    "damaged": damaged,
    "half made": half_made,
    "half migrated": changed("UPDATE alembic_version SET version_num = 'acf3f17fdcc7'"),
    "of a later MLflow": changed("UPDATE alembic_version SET version_num = 'ffffffffffff'"),
    "without its version": changed("DELETE FROM alembic_version"),
    "without a table": changed("DROP TABLE metrics"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_database_is_set_aside_with_its_artifacts_and_made_again(database, kind, capsys):
    UNUSABLE[kind](database)
    before = database.read_bytes()
    make_ready(database, database.parent / "artifacts", ours=True)
    (folder,) = set_aside(database)
    assert {path.name for path in folder.iterdir()} == {"mlflow.db", "artifacts"}
    assert (folder / "mlflow.db").read_bytes() == before
    assert (folder / "artifacts/run.json").exists()
    assert time.strftime("%Y-%m-%d") in folder.name
    assert find_fault(database) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{database} cannot be used" in line
    assert f"moved to {folder} and is made again from the ledgers" in line


@pytest.mark.parametrize("kind", UNUSABLE)
def test_an_unusable_database_that_is_not_ours_is_refused_and_stays_where_it_is(database, kind):
    UNUSABLE[kind](database)
    before = database.read_bytes()
    with pytest.raises(UserError, match=r"cannot use this database.*\n.*move it away"):
        make_ready(database, database.parent / "artifacts", ours=False)
    assert database.read_bytes() == before
    assert set_aside(database) == []


def test_a_mirror_of_another_mlflow_version_is_made_again_by_the_import(project):
    assert import_in(project).returncode == 0
    database = project.results / "mlflow/mlflow.db"
    UNUSABLE["half migrated"](database)
    done = import_in(project)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "acf3f17fdcc7" in done.stderr
    assert len(set_aside(database)) == 1
    assert len([tags for tags, *_ in content(project) if tags["scriptorium.kind"] == "run"]) == 4


# --- healthy and locked ---------------------------------------------------------------------------------------


def test_a_healthy_database_is_left_alone(database):
    before = (database.stat().st_ino, database.read_bytes())
    make_ready(database, database.parent / "artifacts", ours=True)
    assert (database.stat().st_ino, database.read_bytes()) == before
    assert set_aside(database) == []


def test_a_database_whose_writer_was_killed_is_healthy(database):
    before = sqlite3.connect(database).execute("SELECT count(*) FROM experiments").fetchone()
    done = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(database)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert database.with_name("mlflow.db-journal").stat().st_size > 0
    make_ready(database, database.parent / "artifacts", ours=True)
    assert set_aside(database) == []
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT count(*) FROM experiments").fetchone() == before
    assert not connection.execute("SELECT * FROM sqlite_master WHERE name = 'noise'").fetchall()


@pytest.mark.parametrize("statement", ["BEGIN EXCLUSIVE", "BEGIN IMMEDIATE"])
def test_a_locked_database_is_told_in_one_sentence_with_its_holder_and_is_not_set_aside(database, statement):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(database), statement], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        before = database.read_bytes()
        with pytest.raises(UserError, match="keeps MLflow's database locked") as caught:
            make_ready(database, database.parent / "artifacts", ours=True)
        if Path("/proc/locks").exists():
            assert f"process {holder.pid} " in str(caught.value)
        assert "end that program" in str(caught.value)
        assert (database.read_bytes(), set_aside(database)) == (before, [])
    finally:
        holder.kill()
        holder.wait()
    make_ready(database, database.parent / "artifacts", ours=True)
    assert set_aside(database) == []


def test_the_audit_names_an_unusable_database_and_does_not_touch_it(project):
    database = project.results / "mlflow/mlflow.db"
    database.parent.mkdir()
    database.write_text("not a database", encoding="utf-8")
    done = import_in(project, "-m", "scriptorium.track", "audit", "--quick")
    assert done.returncode == 1
    assert "cannot use this database" in done.stdout
    assert "snakemake track" in done.stdout
    assert [path.name for path in database.parent.iterdir()] == ["mlflow.db"]
