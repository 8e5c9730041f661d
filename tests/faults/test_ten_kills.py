"""A pre-training run that is killed ten times in a row, anywhere, ends with the bits of an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scriptorium import ledger
from scriptorium.stages import pretrain
from tests import tiny

KILLS, STEPS, EVERY = 10, 400, 10
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {
    "max_steps": STEPS,
    "batch_size": 6,
    "lr": 1e-3,
    "log_every": 1,
    "eval_every": 130,
    "batch_warmup": {"start": 2, "share": 0.5},
    "length_warmup": {"length": 16, "share": 0.4},
}


def start(packed: Path, out: Path) -> subprocess.Popen:
    spec = pretrain.PretrainSpec.parse({"model": SHAPE, "objective": {"name": "mpnet"}, "train": TRAIN, "seed": 1})
    command = [
        sys.executable,
        "-m",
        "scriptorium.stages.pretrain",
        "--spec",
        spec.canonical(),
        "--out",
        str(out),
        "--input",
        f"blocks={packed / 'manifest.json'}",
        "--state",
        str(out.parent / "state"),
        "--micro-batch=3",
    ]
    environment = {**os.environ, "SCRIPTORIUM_CHECKPOINT_STEPS": str(EVERY), "OMP_NUM_THREADS": "1"}
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


@pytest.mark.slow
def test_ten_kills_in_a_row_leave_every_bit(tmp_path):
    packed = tiny.packed(tmp_path, block_length=32, vocabulary="fairseq")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(packed, whole))
    generator = np.random.default_rng(0)
    killed_at = np.sort(generator.choice(np.arange(EVERY + 1, STEPS - 20), KILLS, replace=False))
    for step in killed_at:
        process = start(packed, broken)
        wait_for_step(broken, process, int(step))
        process.send_signal(signal.SIGKILL)
        finish(process, -signal.SIGKILL)
    finish(start(packed, broken))
    assert ledger.read_record(broken)["attempt"] == KILLS + 1
    notes = [event["note"] for event in ledger.read_events(broken) if "note" in event]
    assert sum(note.startswith("resumed at step") for note in notes) == KILLS
    for name in ("model/model.safetensors", "metrics.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name
    losses = [
        [
            (e["step"], e["metrics"]["train/loss"])
            for e in ledger.read_events(run)
            if "train/loss" in e.get("metrics", {})
        ]
        for run in (whole, broken)
    ]
    assert losses[0] == losses[1], "the curve, too, has every point once"
    assert len(losses[0]) == STEPS
