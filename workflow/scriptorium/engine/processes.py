"""Several processes that train together: torchrun sets RANK and WORLD_SIZE, and one process is the plain case.

Processes that compute the same step are never far apart, so one that lets the others wait for SILENCE seconds is taken
for dead. Where the first one works alone (it writes a checkpoint, or scores texts), they wait in another group, longer.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from datetime import timedelta

import torch
from torch import distributed

from scriptorium.errors import UserError

SILENCE = float(os.environ.get("SCRIPTORIUM_SILENCE_SECONDS", "50"))  # with SHOW_UP less than a minute
PATIENCE = max(SILENCE, 3600.0)  # seconds for what the first process does alone
GLOO = ("gloo", "pair closure")  # what its errors say, which have no class of their own
SHOW_UP = 5.0  # seconds in which those that live say so

_patient: list[distributed.ProcessGroup] = []


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def nodes() -> int:
    """On how many machines they are."""
    return world() // int(os.environ.get("LOCAL_WORLD_SIZE", world()))


def join() -> None:
    """Meet the other processes, if there are any: CPU tensors travel by gloo, CUDA tensors by NCCL.

    Numbers that all must agree on are CPU tensors, so that agreeing never waits for a GPU.
    """
    if world() == 1 or distributed.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("cpu:gloo,cuda:nccl", timeout=timedelta(seconds=SILENCE))
    else:
        distributed.init_process_group("gloo", timeout=timedelta(seconds=SILENCE))
    _store().set(f"process/{rank()}", f"{socket.gethostname()} {os.getpid()}")
    _patient[:] = [distributed.new_group(backend="gloo", timeout=timedelta(seconds=PATIENCE))]


def total(values: list[float], *, patient: bool = False) -> list[float]:
    """Each value summed over all processes (float64: whole numbers below 2^53 stay exact)."""
    if world() == 1:
        return values
    together = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(together, group=_patient[0] if patient else None)
    return together.tolist()


def of_each(value: float) -> list[float]:
    """The value of every process, by rank."""
    return total([value if each == rank() else 0.0 for each in range(world())])


def from_first(value: str) -> str:
    """What the first process says."""
    if world() == 1:
        return value
    agreed = [value]
    distributed.broadcast_object_list(agreed, src=0, device=torch.device("cpu"), group=_patient[0])
    return agreed[0]


def wait() -> None:
    """Until all processes are here."""
    total([0.0], patient=True)


@contextlib.contextmanager
def naming_the_silent() -> Iterator[None]:
    """Inside, a collective that fails or takes too long raises UserError, which names the processes that are silent.

    Those that live all notice, and say so in the store by which they have met; who does not is dead or hangs.
    """
    try:
        yield
    except RuntimeError as error:
        if world() == 1 or not (isinstance(error, distributed.DistError) or any(word in str(error) for word in GLOO)):
            raise
        silent = _silent()
        _end(silent)
        named = f"process {', '.join(map(str, silent))} of {world()} (counted from 0)" if silent else "a process"
        raise UserError(
            f"{named} is dead or has not answered for {SILENCE:g} seconds, so all end",
            remedy="look into the log and the machine of that process, then run it again: it goes on from its last"
            " checkpoint. If it was only slow, raise SCRIPTORIUM_SILENCE_SECONDS",
        ) from error


def _end(ranks: list[int]) -> None:
    """Kill what is silent on this machine: a process that is stopped or hangs in a kernel hears no other signal, and
    torchrun would wait for it for another half minute."""
    for each in ranks:
        with contextlib.suppress(RuntimeError, OSError):
            host, pid = _store().get(f"process/{each}").decode().split()
            if host == socket.gethostname():
                os.kill(int(pid), signal.SIGKILL)


def _store() -> distributed.Store:
    return distributed.distributed_c10d._get_default_store()


def _silent() -> list[int]:
    store = _store()
    missing = set(range(world())) - {rank()}
    with contextlib.suppress(RuntimeError):  # the store may be gone with the first machine
        store.set(f"alive/{rank()}", "1")
        end = time.monotonic() + SHOW_UP
        while missing and time.monotonic() < end:
            missing -= {each for each in missing if store.check([f"alive/{each}"])}
            time.sleep(0.1)
    return sorted(missing)
