"""Which process started a run, and whether it is still alive: decided only where this can be known.

A process number says nothing on another machine, in another container or after a restart, and is given out again. So
an owner is a machine, the start of its kernel, the process and the time at which that process began.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ALIVE, DEAD, UNKNOWN = "alive", "dead", "unknown"


@dataclass(frozen=True)
class Owner:
    """A process that nobody else can be taken for."""

    host: str
    machine: str  # what the machine calls itself besides its name, empty where it has no such name
    boot: str  # changes whenever the machine starts, empty where the system does not say
    namespace: str  # process numbers mean the same only within one namespace: containers have their own
    pid: int
    began: str  # of the process, in the system's own count
    since: float = 0.0  # seconds since the epoch, for people

    @classmethod
    def here(cls) -> Owner:
        """The present process."""
        return cls(
            host=socket.gethostname(),
            machine=_text("/etc/machine-id"),
            boot=_text("/proc/sys/kernel/random/boot_id"),
            namespace=_link("/proc/self/ns/pid"),
            pid=os.getpid(),
            began=_began(os.getpid()) or "",
            since=round(time.time(), 1),
        )

    def state(self) -> str:
        """ALIVE or DEAD, or UNKNOWN: it ran elsewhere, and what happened to it there cannot be seen from here."""
        here = Owner.here()
        if (self.host, self.machine, self.boot, self.namespace) == (here.host, here.machine, here.boot, here.namespace):
            return ALIVE if _began(self.pid) in (self.began, _HIDDEN) else DEAD
        same_machine = (self.host, self.machine, self.namespace) == (here.host, here.machine, here.namespace)
        return DEAD if same_machine and self.machine and self.boot and here.boot else UNKNOWN  # it started anew

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {time.strftime('%Y-%m-%d %H:%M', time.localtime(self.since))}"

    def write(self, folder: Path) -> Path:
        """Note this owner in `folder`, whole or not at all. Returns the file."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.host}-{self.pid}.json"
        half = path.with_suffix(".part")
        half.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        return half.replace(path)


def read(folder: Path) -> dict[Path, Owner]:
    """All owners that are noted in `folder`."""
    return {path: of_file(path) for path in sorted(folder.glob("*.json"))}


def of_file(path: Path) -> Owner:
    """The owner that a file names; one that cannot be read or understood belongs to somebody unknown."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Owner(host="an unknown machine", machine="", boot="?", namespace="", pid=0, began="")


_HIDDEN = "hidden"  # some systems do not show the processes of other users


def _began(pid: int) -> str | None:
    """When a process began, None if there is none of that number (or one that has ended and was not cleared away)."""
    try:
        if Path("/proc/self/stat").exists():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            return None if fields[0] in "ZX" else fields[19]
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except (OSError, psutil.Error):
        return _HIDDEN if _refused(pid) else None


def _refused(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
