"""Proves that the GPU lease never gives a device to two jobs, frees what a killed job held, and else keeps out."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from scriptorium import devices
from scriptorium.errors import UserError

HOLDER = """
import sys, time
from scriptorium import devices
devices.POLL_SECONDS = 0.02
with devices.lease(int(sys.argv[1])) as held:
    print(time.monotonic(), flush=True)
    print(",".join(held), flush=True)
    time.sleep(float(sys.argv[2]))
    print(time.monotonic(), flush=True)
"""


@pytest.fixture(autouse=True)
def own_machine(tmp_path, monkeypatch):
    """Two devices, locks of this test alone, no Slurm."""
    monkeypatch.setenv("SCRIPTORIUM_DEVICES", "0,1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(devices, "POLL_SECONDS", 0.02)
    for name in ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)


def holder(count: int, seconds: float) -> subprocess.Popen:
    """A process that leases `count` devices for `seconds`."""
    command = [sys.executable, "-c", HOLDER, str(count), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_two_jobs_never_hold_the_same_device():
    running = [holder(count, 0.15) for count in (1, 1, 2, 1, 1, 2, 1)]
    spans = defaultdict(list)
    for process in running:
        start, held, end = process.communicate(timeout=60)[0].split()
        assert process.returncode == 0
        for device in held.split(","):
            spans[device].append((float(start), float(end)))
    assert set(spans) == {"0", "1"}
    assert sum(map(len, spans.values())) == 9
    for taken in spans.values():
        ordered = sorted(taken)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(ordered))


def test_a_killed_job_frees_its_device():
    process = holder(2, 600)
    process.stdout.readline()
    assert process.stdout.readline().strip() == "0,1"
    process.kill()
    process.communicate()
    with devices.lease(2) as held:
        assert held == ("0", "1")


def test_a_job_waits_while_all_devices_are_taken():
    process = holder(2, 0.5)
    process.stdout.readline()
    with devices.lease(1):
        begin = time.monotonic()
    end = float(process.communicate(timeout=60)[0].split()[-1])
    assert process.returncode == 0
    assert begin >= end


def test_the_lease_names_its_devices_for_cuda_and_restores_the_environment():
    with devices.lease(1) as first, devices.lease(1) as second:
        assert {*first, *second} == {"0", "1"}
        assert os.environ["CUDA_VISIBLE_DEVICES"] == second[0]
        assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert "CUDA_DEVICE_ORDER" not in os.environ


def test_only_devices_that_the_user_left_visible_are_leased(monkeypatch):
    monkeypatch.delenv("SCRIPTORIUM_DEVICES")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with devices.lease(1) as held:
        assert held == ("3",)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "3"
    with pytest.raises(UserError, match=r"asks for 2 GPU\(s\), this machine offers 1 \(3\)"), devices.lease(2):
        pass


@pytest.mark.parametrize("variables", [{}, {"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "5"}])
def test_without_gpus_or_inside_a_slurm_job_the_environment_is_left_alone(monkeypatch, tmp_path, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with devices.lease(1 if variables else 0) as held:
        assert held == ()
        assert dict(os.environ) == before
    assert list(tmp_path.iterdir()) == []


def test_devices_are_listed_by_nvidia_smi_without_their_mig_slices(monkeypatch, tmp_path):
    monkeypatch.delenv("SCRIPTORIUM_DEVICES")
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf 'GPU 0: A (UUID: x)\\n  MIG 1g Device 0: (UUID: y)\\nGPU 1: A (UUID: z)\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert devices.available() == ("0", "1")


def test_a_machine_without_gpus_says_so(monkeypatch, tmp_path):
    monkeypatch.delenv("SCRIPTORIUM_DEVICES")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="offers 0"), devices.lease(1):
        pass


def test_the_lease_is_held_before_torch_could_be_imported():
    code = "import sys, scriptorium.stage, scriptorium.stages.finetune; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_lock_folder_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"scriptorium-gpus-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="belongs to somebody else"), devices.lease(1):
        pass


def test_a_stage_takes_its_gpus_from_the_command_line(tmp_path):
    stage = tmp_path / "toy.py"
    stage.write_text(
        "import os, sys\n"
        "from scriptorium import stage\n"
        "from scriptorium.stages.score import ScoreSpec\n"
        "def run(job):\n"
        "    path = job.out / 'seen'\n"
        "    path.write_text(os.environ['CUDA_VISIBLE_DEVICES'])\n"
        "    return [path]\n"
        "stage.code_digest = lambda module: 'x'\n"
        "stage.main(ScoreSpec, run)\n"
    )
    words = [sys.executable, str(stage), "--spec", "{}", "--out", "out", "--gpus", "2", "--state", "state"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    assert (Path(tmp_path) / "out/seen").read_text() == "0,1"
