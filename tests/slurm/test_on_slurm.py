"""Proves on a real Slurm what the profile promises: `make slurm-test` (as root, with Debian's slurm-wlm).

A pre-training job may last two minutes here, one of which is kept for saving.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
import yaml
from safetensors.torch import load_file

from scriptorium import ledger
from tests.slurm import cluster
from tests.workflow.miniature import Project, build

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(bool(cluster.missing()), reason=str(cluster.missing()))]

CALL = ["--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
PRETRAIN = "results/pretrain/bert-mlm/seed0"
TARGET = f"{PRETRAIN}/manifest.json"
MINUTES = 2


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory) -> Iterator[None]:
    with cluster.running(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture
def project(tmp_path) -> Project:
    found = build(tmp_path / "project")
    configure(found, {"rules": {"pretrain": {"runtime": MINUTES}}})
    return found


def configure(project: Project, resources: dict, **train: object) -> None:
    path = project.root / "config/config.yaml"
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**config, "resources": resources}))
    table = project.root / "config/ablations.tsv"
    rows = [line.split("\t") for line in table.read_text().splitlines()]
    for row in rows:
        row[2] = json.dumps({"train": train}) if row[0] == "bert-mlm" else row[2]
    table.write_text("".join("\t".join(row) + "\n" for row in rows))


def start(project: Project, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "snakemake", *CALL, *arguments]
    with (project.root / "screen.txt").open("w") as screen:
        return subprocess.Popen(command, cwd=project.root, stdout=screen, stderr=subprocess.STDOUT)


def end(process: subprocess.Popen, project: Project, seconds: float = 900) -> str:
    process.wait(seconds)
    screen = (project.root / "screen.txt").read_text()
    assert process.returncode == 0, screen[-3000:]
    return screen


def until(moment: Callable[[], object], seconds: float = 600) -> None:
    limit = time.monotonic() + seconds
    while not moment():
        assert time.monotonic() < limit, "this moment never came"
        time.sleep(0.2)


def step(project: Project) -> int:
    return max((event.get("step", 0) for event in ledger.read_events(project.root / PRETRAIN)), default=0)


def test_a_run_of_several_job_times_is_one_job_that_goes_on_until_it_is_done(project):
    configure(project, {"rules": {"pretrain": {"runtime": MINUTES}}}, max_steps=None, max_seconds=230, batch_size=16)
    screen = end(start(project, TARGET, "--retries", "0"), project)
    assert "Error" not in screen
    record = ledger.read_record(project.root / PRETRAIN)
    assert record["status"] == ledger.FINISHED
    assert record["attempt"] >= 4, "four links at least"
    assert [int(row.split()[2]) for row in cluster.states()][-1] == record["attempt"] - 1


def test_two_processes_that_slurm_signals_go_on_to_the_same_bits(project, tmp_path):
    """`scontrol requeue` sends SIGTERM to every process of the job."""
    resources = {"rules": {"pretrain": {"runtime": MINUTES, "processes": 2}}}
    train = {"max_steps": 1500, "eval_every": 1500}
    alone = build(tmp_path / "alone")
    for each in (alone, project):
        configure(each, resources, **train)
    process = start(project, TARGET, "--retries", "0")
    until(lambda: step(project) > 100)
    (number, *_) = cluster.states()[-1].split()
    subprocess.run(["scontrol", "requeue", number], check=True)
    end(process, project)
    assert ledger.read_record(project.root / PRETRAIN)["attempt"] == 2
    notes = [event.get("note", "") for event in ledger.read_events(project.root / PRETRAIN)]
    assert any("signal 15" in note for note in notes), notes
    alone.snakemake(TARGET)
    for name in ("model/model.safetensors", "metrics.json"):
        assert (project.root / PRETRAIN / name).read_bytes() == (alone.root / PRETRAIN / name).read_bytes(), name


def test_two_machines_train_together_and_give_what_one_gives(project, tmp_path):
    """srun starts the stage on both, without GPUs. To 1e-5: torch's sums depend on the threads."""
    train = {"max_steps": 60, "eval_every": 60}
    alone = build(tmp_path / "alone")
    configure(alone, {"rules": {"pretrain": {"processes": 2}}}, **train)
    together = {"runtime": 30, "gpu": 0, "nodes": 2, "tasks": 2, "processes": 2, "threads": 1}
    configure(project, {"rules": {"pretrain": together}}, **train)
    end(start(project, TARGET, "--retries", "0"), project)
    record = ledger.read_record(project.root / PRETRAIN)
    assert (record["shares"]["processes"], record["shares"]["nodes"]) == (2, 2)
    alone.snakemake(TARGET)
    one, two = (load_file(each.root / PRETRAIN / "model/model.safetensors") for each in (alone, project))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5


def test_an_edit_while_the_job_waits_makes_nothing_else(project):
    subprocess.run(["scontrol", "update", "partitionname=main", "state=down"], check=True)
    process = start(project, TARGET, "--retries", "0")
    try:
        until(lambda: any("PENDING" in row for row in cluster.states()))
        configure(project, {}, max_steps=8)
    finally:
        subprocess.run(["scontrol", "update", "partitionname=main", "state=up"], check=True)
    process.wait(300)
    assert process.returncode == 1
    logs = "".join(path.read_text() for path in project.root.glob(".snakemake/slurm_logs/**/*.log"))
    assert "was changed after this job had been submitted" in logs


def test_the_job_of_a_lost_node_goes_on_elsewhere(project):
    configure(project, {"rules": {"pretrain": {"runtime": 60}}}, max_steps=600, eval_every=600)
    process = start(project, TARGET, "--retries", "0")
    until(lambda: step(project) > 50)
    shown = subprocess.run(["squeue", "-h", "-o", "%i %N"], capture_output=True, text=True, check=True).stdout
    for lost in _processes_of(*shown.split()):
        lost.kill()
    end(process, project)
    record = ledger.read_record(project.root / PRETRAIN)
    assert (record["status"], record["attempt"]) == (ledger.FINISHED, 2)


def _processes_of(job: str, node: str) -> list[psutil.Process]:
    """slurmd of a node, the daemons of steps first, and all that a job has started there."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            of_job = process.environ().get("SLURM_JOB_ID") == job or process.name() == "slurmstepd"
            found += [process] if of_job or (process.name() == "slurmd" and node in process.cmdline()) else []
    return sorted(found, key=lambda process: process.name() != "slurmstepd")
