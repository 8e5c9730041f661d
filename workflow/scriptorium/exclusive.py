"""One process per run: a job that outlived its Snakemake may still be writing what a new one is asked to make."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from scriptorium.errors import Interrupted

PAUSE = 1.0  # seconds between two looks


@contextlib.contextmanager
def exclusive(state: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock beside `state`, after waiting for whoever holds it; the kernel drops it when that process ends.

    deadline: seconds since the epoch; then it raises Interrupted instead of waiting on.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    lock = state.with_suffix(".lock")
    told = False
    while True:
        with lock.open("a+") as handle:
            holder = _take(handle)
            if holder is None and _same_file(handle, lock):
                handle.truncate(0)
                handle.write(f"process {os.getpid()} on {os.uname().nodename}")
                handle.flush()
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)
                return
        if holder is not None:
            if deadline and time.time() > deadline:
                raise Interrupted(f"another process is computing this very run ({holder})")
            if not told:
                logging.warning("another process is computing this very run (%s): waiting until it has ended", holder)
            told = True
            time.sleep(PAUSE)


def _take(handle) -> str | None:
    """Lock an open file. Returns who holds it already, or None."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        return handle.read().strip() or "it has just begun"
    except OSError as error:
        logging.warning("this file system has no locks (%s): make sure that no other process computes this run", error)
    return None


def _same_file(handle, path: Path) -> bool:
    """False if the holder before us removed the file while we waited: then that lock protects nothing."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False
