"""One process per run: a job that outlived its Snakemake may still be writing what a new one is asked to make."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from scriptorium import file_lock
from scriptorium.errors import Interrupted

PAUSE = 1.0  # seconds between two looks


@contextlib.contextmanager
def exclusive(state: Path, deadline: float | None = None) -> Iterator[None]:
    """Hold the lock beside `state`, after waiting for whoever holds it.

    deadline: seconds since the epoch; then it raises Interrupted instead of waiting on.
    """
    state.parent.mkdir(parents=True, exist_ok=True)

    def say(holder: str) -> None:
        logging.warning("another process is computing this very run (%s): waiting until it has ended", holder)

    tell = file_lock.telling(say, PAUSE)

    def wait(holder: str) -> None:
        if deadline and time.time() > deadline:
            raise Interrupted(f"another process is computing this very run ({holder})")
        tell(holder)

    with file_lock.hold(state.with_suffix(".lock"), wait):
        yield
