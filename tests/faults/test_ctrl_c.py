"""Proves that Ctrl-C saves a training at the next step, in one line, that a second one ends it at once, and that the
next call goes on to the same bits.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from scriptorium.job import SAME_REQUEST, Impl, Terminated
from tests.faults.test_kill import MODEL, RUN, longer, trainer_pid_after_step


def test_first_ctrl_c_asks_and_a_second_one_ends():
    impl = Impl()
    with impl.saving_on_sigterm():
        os.kill(os.getpid(), signal.SIGINT)
        assert impl.stop_reason() == f"signal {int(signal.SIGINT)}"
        os.kill(os.getpid(), signal.SIGINT)  # the same call, passed on by whoever started the job
        assert impl.stop_reason()
        impl.stop["time"] -= SAME_REQUEST[signal.SIGINT] + 0.1
        with pytest.raises(Terminated):
            os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_at_the_terminal_saves_and_the_next_call_goes_on_to_the_same_bits(project):
    longer(project)
    shutil.rmtree(project.root / RUN)
    command = [sys.executable, "-m", "snakemake", "-c1", f"{RUN}/manifest.json"]
    environment = {**os.environ, "SCRIPTORIUM_CHECKPOINT_STEPS": "1000000"}  # nothing is saved but by the signal
    with (project.root / "said.txt").open("w") as said:
        running = subprocess.Popen(
            command, cwd=project.root, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        trainer_pid_after_step(project, 60)
        os.killpg(running.pid, signal.SIGINT)
        running.wait(timeout=120)
    time.sleep(1)
    record = json.loads((project.root / RUN / "run.json").read_text())
    log = (project.root / f"logs/pretrain/{RUN.removeprefix('results/pretrain/')}.log").read_text()
    assert record["status"] == "KILLED", log[-2000:]
    assert log.count("Ctrl-C: saving at the next step") == 1
    assert "Traceback" not in log and "not finished: " in log
    project.snakemake("--unlock", check=False)
    project.snakemake("--rerun-incomplete", f"{RUN}/manifest.json")
    resumed = (project.root / MODEL).read_bytes()
    events = (project.root / RUN / "events.jsonl").read_text()
    assert "resumed at step" in events and "resumed at step 0" not in events

    shutil.rmtree(project.root / RUN)
    project.snakemake(f"{RUN}/manifest.json", SCRIPTORIUM_RECOMPUTE="1")
    assert (project.root / MODEL).read_bytes() == resumed
