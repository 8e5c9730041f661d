"""A fine-tuning job, plain or with cognition, that is killed or asked to stop goes on to the very same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from scriptorium import ledger
from tests.finetuning import COGNITION, Folder, build

STEPS = {"max_steps": 160, "batch_size": 8, "lr": 1e-3, "log_every": 2}
BITS = ("model/model.safetensors", "predictions.parquet", "metrics.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("resume"))


def start(folder: Folder, name: str, cognition: dict | None) -> subprocess.Popen:
    command = folder.command(name, train=STEPS, cognition=cognition, save_model=True)
    environment = {**os.environ, "SCRIPTORIUM_CHECKPOINT_STEPS": "20", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_step(run: Path, process: subprocess.Popen, step: int, limit: float = 180) -> None:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline and process.poll() is None:
        if max((event.get("step", 0) for event in ledger.read_events(run)), default=0) >= step:
            return
        time.sleep(0.01)
    process.kill()
    raise AssertionError(f"step {step} was not reached:\n{process.communicate()[0][-3000:]}")


def finish(process: subprocess.Popen, code: int = 0) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == code, output[-3000:]
    return output


@pytest.mark.parametrize("cognition", [None, COGNITION], ids=["plain", "cogbert"])
def test_killed_and_stopped_runs_end_with_the_bits_of_an_undisturbed_one(folder, cognition):
    tag = "cogbert" if cognition else "plain"
    whole, broken = folder.root / f"{tag}-whole", folder.root / f"{tag}-broken"
    finish(start(folder, whole.name, cognition))

    process = start(folder, broken.name, cognition)
    wait_for_step(broken, process, 50)
    process.send_signal(signal.SIGKILL)
    finish(process, -signal.SIGKILL)
    assert ledger.read_record(broken)["status"] == ledger.RUNNING, "a killed process cannot say so itself"

    process = start(folder, broken.name, cognition)
    wait_for_step(broken, process, 100)
    process.send_signal(signal.SIGTERM)
    assert "run it again to go on" in finish(process, 75)
    record = ledger.read_record(broken)
    assert (record["status"], record["attempt"]) == (ledger.KILLED, 2)
    assert not (broken / "manifest.json").exists()

    finish(start(folder, broken.name, cognition))
    record = ledger.read_record(broken)
    assert (record["status"], record["attempt"]) == (ledger.FINISHED, 3)
    for name in BITS:
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name

    curves = []
    for run in (whole, broken):
        events = [e for e in ledger.read_events(run) if "train/loss" in e.get("metrics", {})]
        curves.append([(e["step"], e["metrics"]["train/loss"]) for e in events])
    steps = [step for step, _ in curves[1]]
    assert steps == sorted(set(steps)), "no point of the curve is written twice"
    # a stop logs the loss of the steps since the last point, so a point of the curve may be one of a shorter stretch
    stopped = {step for step, _ in curves[1]} - {step for step, _ in curves[0]}
    assert len(stopped) <= 1
    notes = json.dumps([e["note"] for e in ledger.read_events(broken) if "note" in e])
    assert notes.count("resumed at step") == 2
