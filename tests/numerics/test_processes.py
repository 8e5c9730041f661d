"""Proves that processes on several machines do what those on one do, and that one which dies or hangs ends all of them
and is named."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from scriptorium import ledger, together
from scriptorium.errors import UserError
from tests import tiny
from tests.numerics.test_training_engine_runs import LENGTH, curve, finished, reached, spec, torchrun

ENDLESS = {"max_steps": 1_000_000, "batch_size": 6, "log_every": 5, "eval_every": 1_000_000}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH, vocabulary="fairseq")


def second(process: subprocess.Popen) -> psutil.Process:
    """The process of rank 1."""
    children = psutil.Process(process.pid).children(recursive=True)
    (found,) = [child for child in children if child.environ().get("RANK") == "1"]
    return found


def at_work(process: subprocess.Popen, run: Path, step: int = 10) -> None:
    limit = time.monotonic() + 240
    while reached(run) < step:
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.05)


def notes(run: Path) -> str:
    return "\n".join(event.get("note", "") for event in ledger.read_events(run))


@pytest.mark.slow
def test_a_process_that_is_killed_ends_all_and_is_named(packed, tmp_path):
    run = tmp_path / "run"
    process = torchrun(packed, run, spec(**ENDLESS), "--processes", "2")
    at_work(process, run)
    second(process).kill()
    began = time.monotonic()
    output = finished(process, 1)
    assert time.monotonic() - began < 60
    assert f"error: process 1 on {socket.gethostname()} was ended by SIGKILL" in output
    assert "process 1 on" in notes(run) and "was ended by SIGKILL" in notes(run)
    assert ledger.read_record(run)["status"] == ledger.FAILED
    assert not list((tmp_path / "state").glob("*.failures"))


@pytest.mark.slow
def test_a_process_that_hangs_ends_all_and_is_named(packed, tmp_path):
    run = tmp_path / "run"
    process = torchrun(packed, run, spec(**ENDLESS), "--processes", "2", SCRIPTORIUM_SILENCE_SECONDS="10")
    at_work(process, run)
    stopped = second(process)
    stopped.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    output = finished(process, 1)
    assert time.monotonic() - began < 35  # 10 of silence, 5 to show up; torchrun would wait for another 30
    assert not stopped.is_running()
    said = "process 1 of 2 (counted from 0) is dead or has not answered for 10 seconds"
    assert said in output and said in notes(run)
    assert ledger.read_record(run)["status"] == ledger.FAILED


@pytest.mark.slow
def test_two_machines_give_the_bits_of_one(packed, tmp_path):
    """Two torchruns on this machine, each started as srun starts it."""
    given = spec(max_steps=8, batch_size=6, eval_every=4, dropout=0.1)
    finished(torchrun(packed, tmp_path / "one/run", given, "--processes", "2"))
    with socket.socket() as free:
        free.bind((together.LOOPBACK, 0))
        meeting = {together.RENDEZVOUS: f"{together.LOOPBACK}:{free.getsockname()[1]}"}
    run = tmp_path / "two/run"
    machines = [
        torchrun(packed, run, given, "--processes", "2", "--nodes", "2", **meeting, **{together.NODE: str(number)})
        for number in (0, 1)
    ]
    for process in machines:
        finished(process)
    assert ledger.read_record(run)["shares"]["nodes"] == 2
    assert curve(run) == curve(tmp_path / "one/run")
    one, two = ((out / "model/model.safetensors").read_bytes() for out in (tmp_path / "one/run", run))
    assert one == two


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A job of two machines, n1 and n2, with a stand-in for srun that says what it was asked."""
    answers = "{'job': 'JobId=70007 NodeList=n[1-2]', 'hostnames': 'n1\\nn2', 'node': 'NodeName=n1 NodeAddr=10.0.0.1'}"
    texts = {
        "scontrol": f"import sys; print({answers}[sys.argv[2]])",
        "srun": "import os, sys; print(os.environ['SCRIPTORIUM_RENDEZVOUS'], *sys.argv[1:]); sys.exit(3)",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(f"#!{sys.executable}\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "70007")


def test_srun_starts_the_same_command_once_on_each_machine(slurm, capfd):
    assert together.run_on_nodes("scriptorium.stages.pretrain", ["--out", "a"], nodes=2, threads=4) == 3
    said = capfd.readouterr().out
    assert said.startswith("10.0.0.1:20007 --nodes=2 --ntasks=2 --ntasks-per-node=1 --cpus-per-task=4 --overlap")
    assert said.endswith(f"{sys.executable} -m scriptorium.stages.pretrain --out a\n")


def test_machines_that_the_job_does_not_have_are_refused(slurm, monkeypatch):
    with pytest.raises(UserError, match="nodes: 3 is asked for, and this is a Slurm job of 2"):
        together.first_node(3)
    monkeypatch.delenv("SLURM_JOB_ID")
    with pytest.raises(UserError, match="this is no Slurm job"):
        together.first_node(2)


def test_who_was_ended_by_a_signal_goes_before_those_that_failed_because_of_it(tmp_path):
    (tmp_path / "0.json").write_text('{"rank": 0, "code": 1, "host": "a", "time": 1.0}')
    (tmp_path / "1.json").write_text('{"rank": 5, "code": -9, "host": "b", "time": 2.0}')
    assert together.first_failure(tmp_path).sentence() == "process 5 on b was ended by SIGKILL"
    assert not tmp_path.exists()
