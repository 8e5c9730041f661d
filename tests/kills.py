"""A stage as another process, which a signal reaches right behind a step of its journal: no such moment is missed."""

from __future__ import annotations

import os
import signal
import subprocess

STAGE = """
import os, runpy, sys
from scriptorium.ledger import Ledger
number, last, write = int(sys.argv[1]), int(sys.argv[2]), Ledger.metrics
def metrics(journal, step, values):
    global last
    write(journal, step, values)
    if step >= last:
        last = float("inf")
        os.kill(os.getpid(), number)
Ledger.metrics = metrics
sys.argv = sys.argv[3:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
KILLED = (signal.SIGKILL, -signal.SIGKILL)  # a signal, and the exit code of a stage that gets it
STOPPED = (signal.SIGTERM, 75)


def run(command: list[str], *, end: tuple[int, int] | None = None, step: int = 0, **environment: str) -> str:
    """Run `python -m stage ...` to its end, or to KILLED or STOPPED at a step; returns what it printed.

    It computes with one thread; environment: further variables.
    """
    number, code = end or (0, 0)
    python, _, *words = command
    done = subprocess.run(
        [python, "-c", STAGE, str(int(number)), str(step), *words] if end else command,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stdout[-3000:]
    return done.stdout
