"""Long work in chunks: each is saved whole or not at all, so a run that is stopped goes on behind the last one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from scriptorium.errors import Interrupted
from scriptorium.job import Job


def stop_if_asked(job: Job, done: str) -> None:
    """Raises Interrupted when the job should stop. done: how far it has come, for people."""
    if reason := job.impl.stop_reason():
        raise Interrupted(f"{reason}; {done}")


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """What `write` writes into an open file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    with scratch.open("wb") as handle:
        write(handle)
    scratch.replace(path)


def kept_arrays(job: Job, name: str, compute: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What was computed before under this name, else computed and saved, whole or not at all."""
    path = job.state / f"{name}.npz"
    if not path.is_file():
        arrays = compute()
        write_whole(path, lambda handle: np.savez(handle, **arrays))
    with np.load(path, allow_pickle=False) as saved:
        return {key: saved[key] for key in saved.files}
