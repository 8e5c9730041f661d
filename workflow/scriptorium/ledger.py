"""A run's journal on disk: `run.json` (what it is) and `events.jsonl` (what happened), and nothing else.

Files are the truth; MLflow is a mirror made from them (`track.py`), so this module never imports mlflow. Both
files survive failures and kills: they are never declared as outputs of a rule.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from scriptorium import code_patch
from scriptorium.manifest import describe, write_json
from scriptorium.masked import masked

RUNNING, FINISHED, FAILED, KILLED = "RUNNING", "FINISHED", "FAILED", "KILLED"
FORMAT = 2  # of run.json: raise it when a field changes that readers rely on. 1 had neither number nor code.patch
HEARTBEAT_SECONDS = 20
RESERVE, RESERVED = ".reserve", 1 << 17  # bytes on the disk for closing the journal when it is full
PACKAGES = ("torch", "transformers", "accelerate", "spacy", "scikit-learn", "numpy", "pandas", "pyarrow", "snakemake")


class Ledger:
    """The journal of one run. Open it with `Ledger.open`, end it with `finish`; every event is flushed at once."""

    def __init__(self, directory: Path, record: dict[str, Any]):
        self.directory, self.record = directory, record
        path = directory / "events.jsonl"
        cut_off = path.exists() and not (b"\n" + path.read_bytes()).endswith(b"\n")
        self._events = path.open("a", encoding="utf-8")
        if cut_off:  # by a kill in the middle of a line: keep the next event off it
            self._events.write("\n")
        self._lock = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._heartbeat, daemon=True).start()

    @classmethod
    def open(cls, directory: Path, *, key: str, stage: str, **facts: Any) -> Self:
        """Start (or restart) the journal of the run `key` in `directory`.

        A journal of the same key that did not finish is continued as the next attempt, with its first start time.
        Anything else found there belongs to another run and is replaced.
        """
        directory.mkdir(parents=True, exist_ok=True)
        before = read_record(directory)
        attempt, start = 1, now()
        if is_continued(before, key):
            attempt, start = before["attempt"] + 1, before["start"]
        else:
            (directory / "events.jsonl").unlink(missing_ok=True)
        git = git_state(Path.cwd())
        record = {
            "format": FORMAT,
            "key": key,
            "stage": stage,
            "status": RUNNING,
            "attempt": attempt,
            "start": start,
            "end": None,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "pid_start": process_start(os.getpid()),
            "slurm_job_id": os.environ.get("SLURM_JOB_ID"),
            "git": {key: value for key, value in git.items() if key != "top"} | keep_patch(directory, git),
            "packages": package_versions(),
            "python": platform.python_version(),
            "device": None,
            "inputs": [],
            "outputs": [],
            **facts,
        }
        (directory / RESERVE).write_bytes(b"\1" * RESERVED)
        ledger = cls(directory, record)
        ledger.update()
        if left_out := record["git"].get("patch", {}).get("left_out"):
            ledger.note(f"the code cannot be laid out again from this run: {left_out}; commit it before a run")
        if attempt > 1:
            silent = " without a word: killed from outside, as by a machine or a cluster whose memory was used up"
            ended = before["status"] + (silent if before["status"] == RUNNING else "")
            ledger.note(f"attempt {attempt}: the one before ended as {ended}")
        return ledger

    def update(self, **facts: Any) -> None:
        """Change fields of run.json."""
        self.record.update(facts)
        shown = masked(json.dumps(self.record, ensure_ascii=False))  # no secret passes, wherever it stands
        write_json(self.directory / "run.json", json.loads(shown))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers at a step. Non-finite ones become notes: they are news, and not JSON."""
        finite = {k: float(v) for k, v in values.items() if math.isfinite(v)}
        if finite:
            self._write({"step": int(step), "metrics": finite})
        for name in values.keys() - finite.keys():
            self.note(f"{name} is {values[name]} at step {step}")

    def note(self, text: str) -> None:
        """Log a sentence worth reading later."""
        self._write({"note": text})

    def artifact(self, path: Path, kind: str = "file") -> None:
        """Name a small file for the mirror. kind: file | figure | table | dataset | model."""
        self._write({"artifact": os.path.relpath(path, self.directory), "kind": kind})

    def rewind(self, step: int) -> None:
        """Forget metrics after `step`: a resumed run will write them again."""
        with self._lock:
            self._events.close()
            path = self.directory / "events.jsonl"
            kept = [event for event in read_events(self.directory) if event.get("step", 0) <= step]
            temporary = path.with_suffix(".tmp")
            temporary.write_text("".join(_line(event) for event in kept), encoding="utf-8")
            temporary.replace(path)
            self._events = path.open("a", encoding="utf-8")
        self.note(f"resumed at step {step}")

    def make_room(self) -> None:
        """Give back the bytes that were kept for the last words."""
        with contextlib.suppress(OSError):
            (self.directory / RESERVE).unlink(missing_ok=True)

    def finish(self, status: str, **facts: Any) -> None:
        """End the journal with a status and the end time."""
        self._ended.set()
        self.make_room()
        with self._lock:
            self._events.close()
        self.update(status=status, end=now(), events=events_digest(self.directory), **facts)

    def _write(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            self._events.write(_line({"t": now(), **event}))
            self._events.flush()

    def _heartbeat(self) -> None:
        """Touch events.jsonl now and then, so that another host can tell a long step from a dead process."""
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self.directory / "events.jsonl")


def read_record(directory: Path) -> dict[str, Any] | None:
    """run.json of a run directory, or None if there is none that can be read, or one that is no record."""
    try:
        record = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("status"), str) else None


def is_continued(before: Mapping[str, Any] | None, key: str) -> bool:
    """Whether the run `key` goes on in the journal that is there: its own, which did not finish."""
    if before is None or before.get("key") != key or before["status"] == FINISHED:
        return False
    return isinstance(before.get("attempt"), int) and isinstance(before.get("start"), int | float)


def read_events(directory: Path) -> Iterator[dict[str, Any]]:
    """Events in order. A last line cut off by a kill is left out, and so is what no journal has written."""
    try:
        # not splitlines(): it also splits at characters that JSON may hold, such as U+2028
        lines = (directory / "events.jsonl").read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line)
            if _is_event(event):
                yield event


def _is_event(event: Any) -> bool:
    """Whether a line has the form in which the journal writes what it has: time, sentence, numbers at a step."""
    if not isinstance(event, dict) or not isinstance(event.get("t"), int | float):
        return False
    metrics = event.get("metrics", {})
    numbered = isinstance(metrics, dict) and (not metrics or isinstance(event.get("step"), int))
    return numbered and isinstance(event.get("note", ""), str)


def events_digest(directory: Path) -> dict[str, Any]:
    """{bytes, sha256} of events.jsonl, which run.json holds at a run's end: so the audit sees one that was cut off."""
    entry = describe(directory / "events.jsonl", directory)
    return {"bytes": entry["bytes"], "sha256": entry["sha256"]}


def find(root: Path) -> list[Path]:
    """Run directories below `root` (those with a run.json), sorted."""
    return sorted(path.parent for path in root.rglob("run.json"))


def is_alive(record: Mapping[str, Any], directory: Path) -> bool:
    """Whether a RUNNING record's process still runs: by process id here, by heartbeat on another host."""
    if record["host"] == socket.gethostname():
        return record["pid_start"] is not None and process_start(record["pid"]) == record["pid_start"]
    with contextlib.suppress(FileNotFoundError):
        return time.time() - (directory / "events.jsonl").stat().st_mtime < 30 * HEARTBEAT_SECONDS
    return False


def now() -> float:
    """Seconds since the epoch, to the millisecond (MLflow's resolution)."""
    return round(time.time(), 3)


def process_start(pid: int) -> float | None:
    """Start time of a process (tells a reused process id apart), or None if there is no such process."""
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return round(process.create_time(), 1)
    return None


@cache
def git_state(folder: Path) -> dict[str, Any]:
    """Commit, branch, dirty flag and top folder of the repository that holds `folder`; empty outside one."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "branch": git("rev-parse", "--abbrev-ref", "HEAD"),
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no")),
            "top": git("rev-parse", "--show-toplevel"),
        }
    except (OSError, subprocess.SubprocessError):
        return {}


def keep_patch(directory: Path, git: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the working tree adds to the commit, where this code lies in that repository (code_patch.keep)."""
    if not git or not Path(__file__).resolve().is_relative_to(Path(git["top"]).resolve()):
        return {}
    try:
        return code_patch.keep(directory, Path(git["top"]))
    except (OSError, subprocess.SubprocessError) as error:
        return {"patch": {"left_out": f"git could not tell the difference from the commit ({type(error).__name__})"}}


@cache
def package_versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _line(event: Mapping[str, Any]) -> str:
    return masked(json.dumps(event, ensure_ascii=False, allow_nan=False)) + "\n"
