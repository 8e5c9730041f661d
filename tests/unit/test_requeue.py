"""Proves that a job puts itself back into the queue where that helps, and nowhere else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from scriptorium import ledger, requeue
from scriptorium.errors import Interrupted
from scriptorium.spec import Spec
from scriptorium.stage import execute


class Waiting(Spec):
    saves: bool = True


def wait(job) -> list[Path]:
    if job.spec.saves:
        job.state.mkdir(parents=True, exist_ok=True)
        (job.state / f"at-{time.time()}").touch()
    raise Interrupted(job.impl.stop_reason() or "SIGTERM")


@pytest.fixture
def scontrol(tmp_path, monkeypatch) -> Path:
    """A stand-in for Slurm's command; what it is called with."""
    called = tmp_path / "called"
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {called}\nexit ${{REFUSED:-0}}\n')
    (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv(requeue.STARTED, str(time.time()))
    monkeypatch.setattr(requeue, "PATIENCE", 0.0)
    return called


@pytest.mark.parametrize(
    ("saves", "runtime", "expected"),
    [(True, 1e-9, True), (False, 1e-9, False), (True, 60.0, False)],
    ids=["the limit is near", "nothing was added to the state", "asked to stop before"],
)
def test_a_stop_at_the_limit_goes_on_if_the_job_has_come_further(tmp_path, saves, runtime, expected):
    with pytest.raises(Interrupted) as stopped:
        execute("wait", Waiting(saves=saves), wait, out=tmp_path / "run", inputs={}, runtime=runtime, state=tmp_path)
    assert stopped.value.out_of_time is expected
    assert ledger.read_record(tmp_path / "run")["status"] == ledger.KILLED


def test_the_job_asks_slurm_to_run_it_again(scontrol):
    assert requeue.this_job()
    assert scontrol.read_text() == "requeue 17\n"


@pytest.mark.parametrize("missing", ["SLURM_JOB_ID", requeue.STARTED])
def test_nothing_but_a_submitted_job_is_put_back(scontrol, monkeypatch, missing):
    """Somebody may type `snakemake` in an allocation of their own."""
    monkeypatch.delenv(missing)
    assert not requeue.this_job()
    assert not scontrol.exists()


def test_a_job_that_slurm_does_not_put_back_ends_as_before(scontrol, monkeypatch, caplog):
    monkeypatch.setenv("REFUSED", "1")
    assert not requeue.this_job()
    assert "cannot be put back" in caplog.text


def test_the_time_is_counted_from_the_start_of_the_job(tmp_path, monkeypatch):
    monkeypatch.setenv(requeue.STARTED, str(int(time.time()) - 3600))
    with pytest.raises(Interrupted) as stopped:
        execute("wait", Waiting(), wait, out=tmp_path / "run", inputs={}, runtime=30, state=tmp_path)
    assert stopped.value.out_of_time
