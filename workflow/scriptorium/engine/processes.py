"""Several processes that train together: torchrun sets RANK and WORLD_SIZE, and one process is the plain case."""

from __future__ import annotations

import os

import torch
from torch import distributed


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def join() -> None:
    """Meet the other processes, if there are any: CPU tensors travel by gloo, CUDA tensors by NCCL.

    Numbers that all must agree on are CPU tensors, so that agreeing never waits for a GPU.
    """
    if world() == 1 or distributed.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        distributed.init_process_group("cpu:gloo,cuda:nccl")
    else:
        distributed.init_process_group("gloo")


def total(values: list[float]) -> list[float]:
    """Each value summed over all processes (float64: whole numbers below 2^53 stay exact)."""
    if world() == 1:
        return values
    together = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(together)
    return together.tolist()


def from_first(value: str) -> str:
    """What the first process says."""
    if world() == 1:
        return value
    agreed = [value]
    distributed.broadcast_object_list(agreed, src=0, device=torch.device("cpu"))
    return agreed[0]


def wait() -> None:
    """Until all processes are here."""
    total([0.0])
