"""A real Slurm on this machine: a controller and four nodes that claim eight cores each; no munge, database, cgroups.

It needs root and Debian's slurm-wlm (22.05). Snakemake's plugin finds it at /etc/slurm/slurm.conf alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURED = Path("/etc/slurm/slurm.conf")
NODES = ("n1", "n2", "n3", "n4")
COMMANDS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol")

# Why some lines stand there: a job that is put back waits cred_expire + 1 s (Slurm's own 120); nodes may claim more
# than the machine has; `squeue` must show finished jobs for a while (MinJobAge); /dev/null serves as a GPU.
CONF = """
ClusterName=toy
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/none
CredType=cred/none
AuthInfo=cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/ctld
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0,requeue_delay=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobRequeue=1
InactiveLimit=0
KillWait=30
MinJobAge=600
SlurmctldTimeout=30
SlurmdTimeout=30
CompleteWait=0
AccountingStorageType=accounting_storage/none
DefMemPerCPU=500
GresTypes=gpu
NodeName=n[1-4] NodeHostname={host} NodeAddr=127.0.0.1 Port=[17001-17004] CPUs=8 RealMemory=32000 Gres=gpu:1
PartitionName=main Nodes=n[1-4] Default=YES MaxTime=240 State=UP
""".lstrip()


def missing() -> str | None:
    """Why there can be no Slurm here; None where there can."""
    absent = [name for name in COMMANDS if not shutil.which(name)]
    if absent:
        return f"no {', '.join(absent)}: apt-get install slurm-wlm"
    if os.geteuid():
        return "Slurm's daemons need root"
    if CONFIGURED.exists() and not CONFIGURED.is_symlink():
        return f"{CONFIGURED} belongs to another Slurm"
    return None


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Slurm while inside."""
    for name in ("ctld", *(f"spool.{node}" for node in NODES)):
        (folder / name).mkdir(parents=True)
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=socket.gethostname().partition(".")[0], folder=folder))
    gres = folder / "gres.conf"
    gres.write_text("NodeName=n[1-4] Name=gpu File=/dev/null\n")
    CONFIGURED.parent.mkdir(exist_ok=True)
    for path in (conf, gres):
        link = CONFIGURED.with_name(path.name)
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    try:
        subprocess.run(["slurmctld"], check=True)
        for node in NODES:
            subprocess.run(["slurmd", "-N", node], check=True)
        _wait_for_nodes(folder)
        yield
    finally:
        _end(folder)
        for path in (conf, gres):  # with it and without a controller, every call of Snakemake would wait ten seconds
            CONFIGURED.with_name(path.name).unlink(missing_ok=True)


def states() -> list[str]:
    """`number state restarts` of every job that Slurm still knows."""
    shown = subprocess.run(["scontrol", "show", "job", "--oneliner"], capture_output=True, text=True, check=True).stdout
    rows = [dict(word.split("=", 1) for word in row.split() if "=" in word) for row in shown.splitlines()]
    return [f"{row['JobId']} {row['JobState']} {row['Restarts']}" for row in rows if "JobId" in row]


def _wait_for_nodes(folder: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        idle = subprocess.run(
            ["sinfo", "-h", "-N", "-t", "idle", "-o", "%N"], capture_output=True, text=True, check=False
        )
        if set(idle.stdout.split()) == set(NODES):
            return
        time.sleep(0.2)
    raise AssertionError("\n".join(path.read_text()[-2000:] for path in folder.glob("*.log")))


def _end(folder: Path) -> None:
    numbers = [int(path.read_text()) for path in folder.glob("*.pid") if path.read_text().strip()]
    for number in numbers:
        try:
            os.kill(number, signal.SIGTERM)
        except ProcessLookupError:
            continue
    end = time.monotonic() + 20
    while time.monotonic() < end and any(Path(f"/proc/{number}").exists() for number in numbers):
        time.sleep(0.1)
