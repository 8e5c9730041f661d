"""Starts a stage in several processes (torchrun), on one machine or on all those of a Slurm job, and sees to it that
each of them hears of a signal once, and that the one which failed first is named.

A cluster sends SIGTERM to every process of a job, as a terminal does with Ctrl-C, and torchrun would send it again to
those that it started, and once more for each that it gets itself; after 30 seconds it kills whoever is still saving. So
both are blocked for torchrun: this process passes them on to the stages, and torchrun ends when they have.

On several machines srun starts the stage's own command once on each, and each starts its processes in this way. They
meet at the first machine of the job, on a port that follows from the job's number.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from scriptorium.errors import UserError
from scriptorium.job import handled

BOTH = {signal.SIGTERM, signal.SIGINT}
POLL_SECONDS = 0.2
RENDEZVOUS = "SCRIPTORIUM_RENDEZVOUS"  # machine:port; who has it was started on one of several machines
NODE = "SLURM_NODEID"  # which of them this is, from 0
KEPT = {"SLURM_JOB_ID", "SLURM_CONF"}  # of Slurm's variables, for srun
FIRST_PORT, PORTS = 20_000, 10_000
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Failure:
    """The first process of a machine that failed: its rank over all machines, and its exit code (below 0: a signal)."""

    rank: int
    code: int
    host: str
    time: float

    def sentence(self) -> str:
        how = f"was ended by {_name(-self.code)}" if self.code < 0 else f"ended with exit code {self.code}"
        return f"process {self.rank} on {self.host} {how}"


def run(module: str, arguments: Sequence[str], processes: int, nodes: int = 1, failures: Path | None = None) -> int:
    """`python -m module arguments...` in so many processes on this machine, one of `nodes`.

    Returns torchrun's exit code; which process failed first is left in the folder `failures`.
    """
    command = [sys.executable, "-m", "scriptorium.torchrun", *_rendezvous(nodes), "--nproc-per-node", str(processes)]
    if failures is not None:
        failures.mkdir(parents=True, exist_ok=True)
        command = [*command[:3], f"--failure={failures / os.environ.get(NODE, '0')}.json", *command[3:]]

    def pass_on(torchrun: subprocess.Popen, signals: list[int]) -> bool:
        stages = _stages(torchrun.pid, module)
        if len(stages) < processes:  # a signal that comes earlier waits for them
            return False
        for number, stage in itertools.product(signals, stages):
            with contextlib.suppress(psutil.NoSuchProcess):
                stage.send_signal(number)
        return True

    return _wait([*command, "-m", module, *arguments], pass_on, preexec_fn=_block)


def run_on_nodes(module: str, arguments: Sequence[str], nodes: int, threads: int) -> int:
    """`python -m module arguments...` once on each machine of this Slurm job. Returns the highest exit code.

    Raises UserError: this is no job of so many machines.
    """
    where = {RENDEZVOUS: f"{first_node(nodes)}:{FIRST_PORT + int(os.environ['SLURM_JOB_ID']) % PORTS}"}
    srun = ["srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"]
    # beside the step that this process is in, which has the job's cores and memory already; whoever ends first waits
    # for the others, since the first process may still be writing
    srun += ["--overlap", "--cpu-bind=none", "--kill-on-bad-exit=0", "--wait=0"]
    # nothing of that step, which has one machine: srun takes its variables for wishes
    own = {
        name: value for name, value in os.environ.items() if name in KEPT or not name.startswith(("SLURM_", "SRUN_"))
    }

    def pass_on(process: subprocess.Popen, signals: list[int]) -> bool:
        for number in signals:
            process.send_signal(number)  # srun passes it on to its tasks
        return True

    return _wait([*srun, sys.executable, "-m", module, *arguments], pass_on, env={**own, **where})


def first_node(nodes: int) -> str:
    """The address of the first machine of this Slurm job, which must have so many.

    Slurm is asked, since SLURM_JOB_NODELIST holds no more than one of them inside the step that Snakemake runs in.
    """
    job = os.environ.get("SLURM_JOB_ID")
    names = _scontrol("show", "hostnames", _facts("job", job)["NodeList"]).split() if job else []
    if len(names) != nodes:
        raise UserError(
            f"nodes: {nodes} is asked for, and this is {f'a Slurm job of {len(names)}' if names else 'no Slurm job'}",
            where="--nodes",
            remedy="submit it with profiles/slurm, with `nodes` (on CPUs `tasks` as well) in the resources of the rule",
        )
    return _facts("node", names[0]).get("NodeAddr", names[0])


def first_failure(folder: Path) -> Failure | None:
    """Which process failed first, of all machines; what they left is removed."""
    found = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(ValueError, TypeError):
            found.append(Failure(**json.loads(path.read_text(encoding="utf-8"))))
        path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
    # one that was ended by a signal failed by itself; others fail because it is gone
    return min(found, key=lambda failure: (failure.code >= 0, failure.time), default=None)


def unblock() -> None:
    """In a stage, once it knows what to do with signals: one that came earlier is heard now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BOTH)


def _rendezvous(nodes: int) -> list[str]:
    """Where the processes meet, as torchrun's options."""
    if nodes == 1:  # by loopback: the name of a compute node may have no address that it can reach itself
        return ["--standalone", "--local-addr", LOOPBACK]
    address, _, port = os.environ[RENDEZVOUS].rpartition(":")
    if address == LOOPBACK:  # several "machines" in one
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return [f"--nnodes={nodes}", f"--node-rank={os.environ[NODE]}", f"--master-addr={address}", f"--master-port={port}"]


def _wait(command: list[str], pass_on: Callable[[subprocess.Popen, list[int]], bool], **options) -> int:
    """Start a command and wait for its end; signals that come meanwhile are passed on as soon as that can be done."""
    asked: list[int] = []
    with handled(lambda number, _frame: asked.append(number)):
        process = subprocess.Popen(command, **options)
        heard = 0
        while True:
            try:
                return process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                count = len(asked)
                if count > heard and pass_on(process, asked[heard:count]):
                    heard = count


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, BOTH)  # inherited by all that torchrun starts


def _stages(torchrun: int, module: str) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(torchrun).children():
        with contextlib.suppress(psutil.Error):
            found += [child] if module in child.cmdline() else []
    return found


def _facts(kind: str, name: str) -> dict[str, str]:
    """What Slurm says of a job or a node."""
    return dict(word.split("=", 1) for word in _scontrol("show", kind, name, "-o").split() if "=" in word)


def _scontrol(*words: str) -> str:
    return subprocess.run(["scontrol", *words], capture_output=True, text=True, check=True).stdout


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
