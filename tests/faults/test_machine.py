"""Proves that what the machine does to a job is one sentence with path and remedy, whatever stage it strikes and
whichever library notices, and that the ledger is closed.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.explained import explained
from scriptorium.fetching.spec import FetchSpec
from scriptorium.stage import execute
from scriptorium.stages import fetch

FULL = OSError(errno.ENOSPC, "No space left on device", "results/x.parquet")


def wrapped(inner: BaseException) -> BaseException:
    outer = RuntimeError("the writer failed")
    outer.__cause__ = inner
    return outer


ERRORS = [
    (FULL, "results/x.parquet: the disk refuses to write .*bytes are free", "make room, then run snakemake again"),
    (wrapped(FULL), "the disk refuses to write", "Finished runs and the saved state"),
    (OSError(errno.EDQUOT, "quota", "a"), "Disk quota exceeded", "make room"),
    (OSError("[Errno 28] Error writing bytes: No space left on device"), "the disk refuses", "make room"),
    (sqlite3.OperationalError("database or disk is full"), "the disk refuses", "make room"),
    (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk refuses", "make room"),
    (PermissionError(errno.EACCES, "Permission denied", "results/a"), "results/a: this may not be read", "ls -ld res"),
    (OSError(errno.EROFS, "Read-only file system", "b"), "b: this file system can only be read", "mount it"),
    (OSError(errno.EMFILE, "Too many open files", "c"), r"c: too many files .* limit is \d+", "ulimit -n"),
    (MemoryError(), "memory of the machine, of the job or of its GPU is used up", "below `resources:`"),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), "is used up", "fewer examples at"),
    (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"), "is used up", "larger GPU"),
]


def struck(tmp_path: Path, error: BaseException) -> UserError:
    def run(job):
        raise error

    run.__module__ = fetch.__name__
    spec = FetchSpec(name="x", source="file", location="x")
    with pytest.raises(UserError) as caught:
        execute("fetch", spec, run, out=tmp_path / "out", inputs={}, state=tmp_path / "state")
    return caught.value


@pytest.mark.parametrize(("error", "said", "remedy"), ERRORS)
def test_machine_is_named_with_place_and_remedy_and_the_ledger_is_closed(tmp_path, error, said, remedy):
    text = str(struck(tmp_path, error))
    assert re.search(said, text) and remedy in text.partition("remedy:")[2]
    record = ledger.read_record(tmp_path / "out")
    assert record["status"] == ledger.FAILED and record["end"]


def test_ledger_is_closed_with_the_bytes_that_were_kept_for_it(tmp_path, monkeypatch):
    """As on a disk that is full: nothing can be written until the reserve is given back."""
    write = ledger.write_json

    def full(path, value):
        if value["status"] != ledger.RUNNING and (tmp_path / "out" / ledger.RESERVE).exists():
            raise FULL
        return write(path, value)

    monkeypatch.setattr(ledger, "write_json", full)
    assert "the disk refuses" in str(struck(tmp_path, FULL))
    assert ledger.read_record(tmp_path / "out")["status"] == ledger.FAILED
    assert not (tmp_path / "out" / ledger.RESERVE).exists()


def test_what_torch_says_of_too_large_a_tensor_is_told_as_memory(tmp_path):
    def run(job):
        torch.empty(1 << 60, dtype=torch.uint8)

    with pytest.raises(RuntimeError) as raised:
        run(None)
    assert "is used up" in str(struck(tmp_path, raised.value))


def test_attempt_after_a_kill_from_outside_says_what_may_have_been(tmp_path):
    journal = ledger.Ledger.open(tmp_path, key="k", stage="fetch")
    del journal  # never finished, as after SIGKILL
    ledger.Ledger.open(tmp_path, key="k", stage="fetch")
    notes = [event["note"] for event in ledger.read_events(tmp_path) if "note" in event]
    assert any("attempt 2" in note and "memory" in note for note in notes), notes


def test_defect_of_ours_keeps_its_traceback(tmp_path):
    for error in (ValueError("x"), OSError(errno.EINVAL, "odd"), KeyError("full"), FileNotFoundError(2, "no", "x")):
        assert explained(error, tmp_path) is None


def test_real_limit_of_open_files_is_told_with_exit_code_2(tmp_path):
    script = (
        "import resource; from scriptorium import stage; from scriptorium.stages import fetch\n"
        "def run(job):\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))\n"
        "    kept = [open('/dev/null') for _ in range(99)]\n"
        "run.__module__ = 'scriptorium.stages.fetch'; stage.main(fetch.FetchSpec, run)\n"
    )
    (tmp_path / "fetch.py").write_text(script)
    spec = '{"name": "x", "source": "file", "location": "x"}'
    words = [sys.executable, str(tmp_path / "fetch.py"), "--spec", spec, "--out", "made", "--state", "state"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "error: /dev/null: too many files are open at once" in done.stderr
    assert json.loads((tmp_path / "made/run.json").read_text())["status"] == "FAILED"
