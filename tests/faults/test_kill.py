"""A training job that is killed with SIGKILL or stopped with SIGTERM goes on where it was, to the same bits."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.workflow.miniature import Project

RUN = "results/pretrain/bert-mlm/seed0"
MODEL = f"{RUN}/model/model.safetensors"


def start(project: Project) -> subprocess.Popen:
    environment = {**os.environ, "SCRIPTORIUM_CHECKPOINT_STEPS": "25"}
    command = [sys.executable, "-m", "snakemake", "-c1", f"{RUN}/manifest.json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=project.root, env=environment, **pipes)


def trainer_pid_after_step(project: Project, step: int, limit: float = 120) -> int:
    """Process id of the training job once its ledger shows `step`."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            events = (project.root / RUN / "events.jsonl").read_text().splitlines()
            if max((json.loads(line).get("step", 0) for line in events), default=0) >= step:
                return json.loads((project.root / RUN / "run.json").read_text())["pid"]
        except (FileNotFoundError, json.JSONDecodeError):
            pass
        time.sleep(0.02)
    raise AssertionError(f"step {step} was not reached in {limit} s\n{project.logs()}")


def longer(project: Project) -> None:
    """Enough steps for a kill amid them."""
    project.edit("config/recipes/pretrain-bert.yaml", "max_steps: 12", "max_steps: 600")


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory) -> bytes:
    """The model of a run that nothing interrupts."""
    root = tmp_path_factory.mktemp("undisturbed") / "copy"
    project = Project(shutil.copytree(finished.root, root, symlinks=True))
    longer(project)
    project.snakemake(f"{RUN}/manifest.json")
    return (root / MODEL).read_bytes()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, "RUNNING"), (signal.SIGTERM, "KILLED")])
def test_interrupted_training_ends_with_the_same_bits(project, undisturbed, number, status):
    longer(project)
    shutil.rmtree(project.root / RUN)

    running = start(project)
    os.kill(trainer_pid_after_step(project, 60), number)
    output, _ = running.communicate(timeout=120)
    assert running.returncode != 0, output
    assert json.loads((project.root / RUN / "run.json").read_text())["status"] == status
    assert not (project.root / MODEL).exists()

    project.snakemake(f"{RUN}/manifest.json")
    record = json.loads((project.root / RUN / "run.json").read_text())
    events = (project.root / RUN / "events.jsonl").read_text()
    assert (project.root / MODEL).read_bytes() == undisturbed
    assert (record["status"], record["attempt"]) == ("FINISHED", 2)
    assert "resumed at step" in events
    steps = [e["step"] for e in map(json.loads, events.splitlines()) if "train/loss" in e.get("metrics", {})]
    assert steps == sorted(set(steps)), "a resumed run writes no point twice"
