"""Starts a stage in several processes (torchrun), and sees to it that each of them hears of a signal once.

A cluster sends SIGTERM to every process of a job, as a terminal does with Ctrl-C, and torchrun would send it again to
those that it started, and once more for each that it gets itself; after 30 seconds it kills whoever is still saving. So
both are blocked for torchrun: this process passes them on to the stages, and torchrun ends when they have.
"""

from __future__ import annotations

import contextlib
import itertools
import signal
import subprocess
import sys

import psutil

from scriptorium.job import handled

BOTH = {signal.SIGTERM, signal.SIGINT}
POLL_SECONDS = 0.2


def run(module: str, arguments: list[str], processes: int) -> int:
    """`python -m module arguments...` in so many processes on this machine. Returns torchrun's exit code."""
    torch = [sys.executable, "-m", "torch.distributed.run"]
    # by loopback: the name of a compute node may have no address that it can reach itself
    command = [*torch, "--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", str(processes)]
    asked: list[int] = []
    with handled(lambda number, _frame: asked.append(number)):
        torchrun = subprocess.Popen([*command, "-m", module, *arguments], preexec_fn=_block)
        heard = 0
        while True:
            try:
                return torchrun.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                stages = _stages(torchrun.pid, module) if asked[heard:] else []
                if len(stages) == processes:  # a signal that comes earlier waits for them
                    _send(asked[heard:], stages)
                    heard = len(asked)


def unblock() -> None:
    """In a stage, once it knows what to do with signals: one that came earlier is heard now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BOTH)


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, BOTH)  # inherited by all that torchrun starts


def _stages(torchrun: int, module: str) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(torchrun).children():
        with contextlib.suppress(psutil.Error):
            found += [child] if module in child.cmdline() else []
    return found


def _send(signals: list[int], stages: list[psutil.Process]) -> None:
    for number, stage in itertools.product(signals, stages):
        with contextlib.suppress(psutil.NoSuchProcess):
            stage.send_signal(number)
