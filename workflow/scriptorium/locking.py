"""Snakemake's lock, with an owner: one that a dead run left behind is removed, that of a living run never.

Snakemake locks the files of a run by lists in .snakemake/locks that name nobody. After a kill, a closed terminal or a
power cut they stay, and every further call stops. `know_owners` notes beside them which process holds the lock.

It goes around two methods of Snakemake's own, because no hook stands where it is needed: the Snakefile is read before
Snakemake knows whether this is a dry run, and `onstart` comes after the lock. Only a call that would really run jobs
enters `lock`; dry runs and summaries enter `lock_warn_only`, and a report or a job on a cluster enters neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from snakemake.exceptions import LockException, WorkflowError
from snakemake.logging import logger
from snakemake.persistence import PersistenceBase
from snakemake.persistence.file import FilePersistence

from scriptorium import file_lock, owners
from scriptorium.owners import ALIVE, DEAD, Owner

STATE = Path("results/.state")  # where a stage keeps a lock of its own while it is at work
UNLOCK = "type `snakemake --unlock`, then `snakemake` again"


def know_owners() -> None:
    """From now on, in this process, Snakemake's lock has an owner. A second call changes nothing."""
    if PersistenceBase.lock is _lock:
        return
    for name, ours in {"lock": _lock, "lock_warn_only": _lock_warn_only, "cleanup_locks": _cleanup_locks}.items():
        _SNAKEMAKES[name] = getattr(PersistenceBase, name)
        setattr(PersistenceBase, name, ours)


_SNAKEMAKES: dict = {}  # the methods that were replaced


@contextlib.contextmanager
def _lock(self: PersistenceBase) -> Iterator[None]:
    """Hold the lock for a run. Raises WorkflowError where another run holds it, or may hold it."""
    folder = _folder(self)
    with contextlib.ExitStack() as held:
        with file_lock.hold(
            self.path / "owners.lock"
        ):  # two calls that find the same dead run must not remove each other's lock
            _clear(self, folder)
            _unlock_nothing_of_others(self)
            others = list(owners.read(folder).values())
            held.callback(Owner.here().write(folder).unlink, missing_ok=True)
            try:
                held.enter_context(_SNAKEMAKES["lock"](self))
            except LockException:
                raise WorkflowError(_refusal(others)) from None
        yield


@contextlib.contextmanager
def _lock_warn_only(self: PersistenceBase) -> Iterator[None]:
    """For a dry run: nothing is held and nothing removed."""
    if _abandoned(self, _folder(self)):
        logger.info("A run was killed here; `snakemake` will go on from what it has finished.")
        yield
    else:
        with _SNAKEMAKES["lock_warn_only"](self):
            yield


def _cleanup_locks(self: PersistenceBase) -> None:
    """What `--unlock` does. Raises WorkflowError while a run is known to be alive."""
    folder = _folder(self)
    noted = owners.read(folder)
    for owner in noted.values():
        if owner.state() == ALIVE:
            raise WorkflowError(
                f"A run is still going on here ({owner}), and its lock stays."
                f" Wait for it, or end it with `kill {owner.pid}`, then type `snakemake` again."
            )
    _SNAKEMAKES["cleanup_locks"](self)
    _forget(noted)


def _clear(persistence: PersistenceBase, folder: Path) -> None:
    """Remove a lock that dead runs alone can have left, and say so in one line."""
    noted = owners.read(folder)
    if abandoned := _abandoned(persistence, folder):
        _SNAKEMAKES["cleanup_locks"](persistence)
        logger.warning(
            f"The run that was started here before was killed ({', '.join(map(str, abandoned))})."
            f" Its lock is removed, and this run goes on from what is finished.{_still_at_work()}"
        )
    if abandoned or not _locked(persistence):
        _forget({path: owner for path, owner in noted.items() if owner.state() == DEAD})


def _unlock_nothing_of_others(persistence: PersistenceBase) -> None:
    """At the end of a run Snakemake removes the whole folder of locks, those of a run beside it as well."""
    if isinstance(persistence, FilePersistence):
        (persistence.path / "locks").mkdir(exist_ok=True)
        persistence.unlock = lambda: [Path(own).unlink(missing_ok=True) for own in persistence._lockfile.values()]


def _abandoned(persistence: PersistenceBase, folder: Path) -> list[Owner]:
    """The owners of a lock, if there is one and they are all dead; otherwise none."""
    noted = list(owners.read(folder).values())
    return noted if _locked(persistence) and all(owner.state() == DEAD for owner in noted) else []


def _locked(persistence: PersistenceBase) -> bool:
    return any(True for _ in persistence._read_locks())


def _refusal(others: list[Owner]) -> str:
    """Why this run does not start, and what to type."""
    alive = [owner for owner in others if owner.state() == ALIVE]
    if alive:
        return (
            f"Another run is going on here ({', '.join(map(str, alive))}) and makes the same files."
            f" Wait for it, or end it with `kill {' '.join(str(owner.pid) for owner in alive)}`,"
            " then type `snakemake` again."
        )
    unknown = [owner for owner in others if owner.state() != DEAD]
    if unknown:
        named = ", ".join(map(str, unknown))
        return (
            f"Another run may be going on here ({named}): from this machine it cannot be seen whether it is alive."
            f" If it is not, {UNLOCK}."
        )
    return f"These files are locked, and no run has noted that it did so. If no other snakemake runs here, {UNLOCK}."


def _still_at_work(state: Path = STATE) -> str:
    """Names jobs that outlived their Snakemake; a stage holds a lock as long as it runs."""
    found = [holder for path in sorted(state.glob("*.lock")) if (holder := file_lock.holder(path))]
    return f" Still at work, and waited for where this run needs the same: {', '.join(found)}." if found else ""


def _folder(persistence: PersistenceBase) -> Path:
    return persistence.path / "owners"


def _forget(noted: dict[Path, Owner]) -> None:
    for path in noted:
        path.unlink(missing_ok=True)
