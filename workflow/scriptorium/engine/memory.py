"""Freed memory stays with the process: a step asks for the same large blocks as the step before.

The C library gives every block of more than 32 MB back to the kernel when it is freed, and gets it anew, page by page
and zeroed, at the next step. Of a small model on a CPU, whose logits are its largest tensors, that is a tenth to a
third of the time. The price: a process never gets smaller than its largest moment. Linux with glibc only; elsewhere
nothing happens. Ours.
"""

from __future__ import annotations

import ctypes
import platform

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # mallopt's numbers, from malloc.h
NEVER = 2**31 - 1  # bytes at the top of the heap before it is trimmed: the most that mallopt takes
BY_DEFAULT = {TRIM_THRESHOLD: 64 << 20, MMAP_MAX: 65536}  # glibc's, as they adapt to large blocks


def keep_freed() -> None:
    """From now on, freed memory is used again instead of being returned."""
    _set({TRIM_THRESHOLD: NEVER, MMAP_MAX: 0})


def return_freed() -> None:
    """As it is without `keep_freed`."""
    _set(BY_DEFAULT)


def available() -> bool:
    """Whether the C library is one that can be told."""
    return platform.libc_ver()[0] == "glibc"


def _set(options: dict[int, int]) -> None:
    if available():
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in options.items():
            mallopt(option, value)
