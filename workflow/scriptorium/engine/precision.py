"""In which precision matrix products are computed: float32, bfloat16, or float16 with a scaled loss (ours).

Precision changes results beyond rounding, yet belongs to the machine: so it is in no run's key but in its journal, and
a run goes on only with the precision that it began with. Weights, gradients and optimiser are always in float32.
"""

from __future__ import annotations

from pathlib import Path

import torch

from scriptorium.errors import UserError, nearest

AUTO, FP32, BF16, FP16 = "auto", "fp32", "bf16", "fp16"
ALL = (AUTO, FP32, BF16, FP16)
CPU_WIDTH = 512  # hidden units from which `auto` takes bf16 on a CPU that has it (docs/speed.md)
BF16_FLAGS = {"amx_bf16", "avx512_bf16"}  # of the processor; without them bf16 is emulated, several times slower
TENSOR_CORES = 7  # compute capability of the first GPUs whose float16 products are faster (V100)


def chosen(asked: str, *, begun: str | None = None, width: int | None = None) -> str:
    """fp32, bf16 or fp16, for this machine. begun: what the run has been computed in so far; width: hidden units of a
    model that `auto` may compute in bf16 on a CPU; None: it never does.

    Raises UserError: no such precision; not the one that the run began with; the processor has no bf16.
    """
    if asked not in ALL:
        raise UserError(f"unknown precision {asked!r}, {nearest(asked, ALL)}", where="--precision")
    if begun and asked not in (AUTO, begun):
        raise UserError(
            f"this run began with {begun} and goes on with no other precision, such as {asked}",
            where="--precision",
            remedy=f"leave it at auto or {begun}; to begin anew, delete the state that its log names",
        )
    found = begun or (_best(width) if asked == AUTO else asked)
    if found == BF16 and not has_bf16():
        raise UserError(
            f"{'this GPU' if torch.cuda.is_available() else 'this processor'} has no bf16 instructions,"
            " and would be several times slower than with fp32",
            where="--precision",
            remedy="go on with this run on a machine that has them" if begun else "leave it at auto",
        )
    return found


def has_bf16() -> bool:
    """Whether the GPU, or else the processor, multiplies bfloat16 itself."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return cpu_has_bf16()


def cpu_has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    return bool(BF16_FLAGS & flags())


def flags() -> frozenset[str]:
    """What Linux says of the processor; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").partition(":")[2].split())


def _best(width: int | None) -> str:
    if torch.cuda.is_available():
        if has_bf16():
            return BF16
        return FP16 if torch.cuda.get_device_capability()[0] >= TENSOR_CORES else FP32
    return BF16 if width is not None and width >= CPU_WIDTH and has_bf16() else FP32
