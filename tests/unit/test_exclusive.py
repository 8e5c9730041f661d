"""Proves that a run is computed by one process at a time, and that the next one waits instead of failing."""

from __future__ import annotations

import logging
import subprocess
import sys
import time

import pytest

from scriptorium import exclusive as module
from scriptorium.errors import Interrupted
from scriptorium.exclusive import exclusive

HOLD = """
import sys, time
from pathlib import Path
from scriptorium.exclusive import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "key")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("ending", ["killed", "finished"])
def test_the_next_process_waits_says_for_whom_and_then_goes_on(tmp_path, holder, caplog, monkeypatch, ending):
    monkeypatch.setattr(module, "PAUSE", 0.01)
    waiting = []

    def end_the_holder(seconds):
        if not waiting:
            holder.kill() if ending == "killed" else holder.communicate("\n")
            holder.wait()
        waiting.append(seconds)

    monkeypatch.setattr(module.time, "sleep", end_the_holder)
    with caplog.at_level(logging.WARNING), exclusive(tmp_path / "key"):
        assert f"process {holder.pid} on" in caplog.text
        assert caplog.text.count("waiting until it has ended") == 1
        assert waiting
    assert not (tmp_path / "key.lock").exists()


def test_waiting_ends_with_the_time_limit(tmp_path, holder):
    with pytest.raises(Interrupted, match=f"process {holder.pid}"), exclusive(tmp_path / "key", time.time() - 1):
        pass
