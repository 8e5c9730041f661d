"""Leases the GPUs of one machine to jobs: one file lock per device, so that no two jobs compute on the same one.

Snakemake's local executor counts GPUs (`--resources gpu=2`) but assigns none: both jobs would land on the first. A
lease must be held before torch is imported, because CUDA reads CUDA_VISIBLE_DEVICES once. Ours; nothing is leased
under Slurm, which assigns devices itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scriptorium.errors import UserError

POLL_SECONDS = 0.5


@contextlib.contextmanager
def lease(count: int) -> Iterator[tuple[str, ...]]:
    """Hold `count` devices and name them in CUDA_VISIBLE_DEVICES; wait while too few are free.

    Yields the devices, () where there is nothing to do (count 0, or inside a Slurm job); the environment is then left
    alone. The kernel drops the locks when the process ends, however it ends. Raises UserError if there are too few.
    """
    if count == 0 or "SLURM_JOB_ID" in os.environ:
        yield ()
        return
    offered = available()
    if count > len(offered):
        raise UserError(
            f"the job asks for {count} GPU(s), this machine offers {len(offered)} ({', '.join(offered) or 'none'})",
            where="--gpus",
            remedy="run without the gpu profile, or lower `gpu` under set-resources in that profile",
        )
    folder = _folder()
    with contextlib.ExitStack() as held:
        with contextlib.ExitStack() as queue:  # first come, first served: a job that wants two must not starve
            _lock(folder / "queue.lock", queue, wait=True)
            devices = _take(folder, offered, count, held)
        names = {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
        if "CUDA_DEVICE_ORDER" not in os.environ:
            names["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # so that CUDA counts as nvidia-smi does
        held.enter_context(_environment(names))
        logging.info("GPU %s leased to this job", ", ".join(devices))
        yield devices


def available() -> tuple[str, ...]:
    """Devices that may be leased: SCRIPTORIUM_DEVICES, else CUDA_VISIBLE_DEVICES, else what nvidia-smi lists."""
    for name in ("SCRIPTORIUM_DEVICES", "CUDA_VISIBLE_DEVICES"):
        if name in os.environ:
            words = (word.strip() for word in os.environ[name].split(","))
            return tuple(dict.fromkeys(word for word in words if word))
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(re.findall(r"^GPU (\d+):", listed, flags=re.MULTILINE))


def _take(folder: Path, offered: tuple[str, ...], count: int, held: contextlib.ExitStack) -> tuple[str, ...]:
    """Lock `count` of the offered devices into `held`: all of them or none, tried until it succeeds."""
    files = {device: folder / (re.sub(r"[^\w.-]", "_", device) + ".lock") for device in offered}
    for attempt in itertools.count():
        with contextlib.ExitStack() as locks:
            taken: list[str] = []
            for device in offered:
                if len(taken) < count and _lock(files[device], locks, wait=False):
                    taken.append(device)
            if len(taken) == count:
                held.push(locks.pop_all())
                return tuple(taken)
        if attempt == 0:
            logging.info("waiting for %d of the GPUs %s", count, ", ".join(offered))
        time.sleep(POLL_SECONDS)


def _lock(path: Path, stack: contextlib.ExitStack, *, wait: bool) -> bool:
    """Lock a file for as long as `stack` lives; False if it is taken and `wait` is off."""
    handle = path.open("a")  # never deleted: two processes must lock the same inode
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return False
    stack.enter_context(handle)
    return True


@contextlib.contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _folder() -> Path:
    """The user's lock folder: the same for every session (XDG_RUNTIME_DIR is not), and nobody else's."""
    folder = Path(tempfile.gettempdir()) / f"scriptorium-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
        raise UserError(
            "this folder of GPU locks belongs to somebody else",
            where=folder,
            remedy="remove it, or set TMPDIR to a folder of your own",
        )
    return folder
