"""The most floating-point operations per second that a device can do, so that a run can say how much of it it uses."""

from __future__ import annotations

import os

import torch

from scriptorium.engine.precision import FP32

GIVEN = "SCRIPTORIUM_PEAK_FLOPS"  # of one process's device, where the user knows it: 312e12
# dense products of bf16 or fp16, from NVIDIA's data sheets; the first name that is part of the device's
KNOWN = {
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "A40": 149.7e12,
    "V100-PCIE": 112e12,
    "V100": 125e12,
}


def flops_per_second(precision: str) -> float | None:
    """Of the device of this process; None where it is not known, as for CPUs and fp32."""
    if given := os.environ.get(GIVEN):
        return float(given)
    if not torch.cuda.is_available() or precision == FP32:
        return None
    name = torch.cuda.get_device_name()
    return next((peak for part, peak in KNOWN.items() if part in name), None)
