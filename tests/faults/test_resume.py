"""A fine-tuning job that is killed, or asked to stop, goes on to the very same bits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from scriptorium import ledger
from tests import plugged
from tests.finetuning import COGNITION, Folder, build

STEPS = {"max_steps": 120, "batch_size": 8, "lr": 1e-3, "log_every": 2, "eval_every": 60}
BITS = ("model/model.safetensors", "predictions.parquet", "metrics.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("resume"))


def start(folder: Folder, name: str, **changes: Any) -> subprocess.Popen:
    command = folder.command(name, **{"train": STEPS, "cognition": COGNITION, "save_model": True, **changes})
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


def test_a_killed_and_then_stopped_run_ends_with_the_bits_of_an_undisturbed_one(folder):
    whole, broken = folder.root / "whole", folder.root / "broken"
    finish(start(folder, whole.name))

    process = start(folder, broken.name)
    wait_for_step(broken, process, 30)
    process.send_signal(signal.SIGKILL)
    finish(process, -signal.SIGKILL)
    assert ledger.read_record(broken)["status"] == ledger.RUNNING, "a killed process cannot say so itself"

    process = start(folder, broken.name)
    wait_for_step(broken, process, 70)
    process.send_signal(signal.SIGTERM)
    assert "run it again to go on" in finish(process, 75)
    record = ledger.read_record(broken)
    assert (record["status"], record["attempt"]) == (ledger.KILLED, 2)
    assert not (broken / "manifest.json").exists()

    finish(start(folder, broken.name))
    record = ledger.read_record(broken)
    assert (record["status"], record["attempt"]) == (ledger.FINISHED, 3)
    for name in BITS:
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name

    events = [list(ledger.read_events(run)) for run in (whole, broken)]
    curves = [[e["step"] for e in each if "train/loss" in e.get("metrics", {})] for each in events]
    assert curves[1] == sorted(set(curves[1])), "no point of the curve is written twice"
    assert set(curves[1]) >= set(curves[0]), "and none is lost"
    notes = json.dumps([e["note"] for e in events[1] if "note" in e])
    assert notes.count("resumed at step") == 2


@pytest.mark.slow
def test_a_killed_run_beside_translations_ends_with_the_bits_of_an_undisturbed_one(tmp_path):
    folder = plugged.folder(tmp_path / "plugged")
    changes = {"cognition": None, "plug_in": {"translations": "shuffled"}, "train": {**STEPS, "max_steps": 60}}
    finish(start(folder, "whole", **changes))
    process = start(folder, "broken", **changes)
    wait_for_step(folder.root / "broken", process, 30)
    process.send_signal(signal.SIGKILL)
    finish(process, -signal.SIGKILL)
    finish(start(folder, "broken", **changes))
    assert ledger.read_record(folder.root / "broken")["attempt"] == 2
    assert "resumed at step 20" in (folder.root / "broken/events.jsonl").read_text(encoding="utf-8")
    for name in (*BITS, "encoder/model.safetensors"):
        assert (folder.root / "broken" / name).read_bytes() == (folder.root / "whole" / name).read_bytes(), name
