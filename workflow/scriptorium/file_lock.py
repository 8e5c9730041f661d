"""A lock between processes: the kernel's, or a note of who holds it where the file system has none.

The kernel drops its lock when the holder ends, however that happens. Some shared file systems refuse it (Lustre mounted
without `-o flock`, NFS without lockd). There a note beside the lock's file names the owner, and it is taken from an
owner that is known to be dead; of one on another machine this cannot be known, so whoever waits is told which file to
remove.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from scriptorium.owners import ALIVE, DEAD, Owner, of_file

PAUSE = 0.2  # seconds between two looks


def _sleep(_holder: str) -> None:
    time.sleep(PAUSE)


def telling(say: Callable[[str], None], pause: float = PAUSE) -> Callable[[str], None]:
    """For `hold`: waits, and says once for whom. pause: seconds between two looks."""
    told = False

    def wait(holder: str) -> None:
        nonlocal told
        if not told:
            say(holder)
        told = True
        time.sleep(pause)

    return wait


@contextlib.contextmanager
def hold(path: Path, while_taken: Callable[[str], None] = _sleep) -> Iterator[None]:
    """Hold the lock of the file `path`, which is made, and removed at the end.

    while_taken: called with who holds the lock, again and again until nobody does; it sleeps, or raises to give up.
    """
    while True:
        with path.open("a+", encoding="utf-8") as handle:
            holder = _take(handle, path)
            if holder is None and _same_file(handle, path):
                handle.truncate(0)
                handle.write(str(Owner.here()))
                handle.flush()
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                    _note(path).unlink(missing_ok=True)
                return
        if holder is not None:
            while_taken(holder)


def holder(path: Path) -> str | None:
    """Who holds the lock of the file now; None where nobody does."""
    with contextlib.suppress(FileNotFoundError), path.open(encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written(handle)
        except OSError:
            return _described(_note(path))
    return None


def _take(handle: TextIO, path: Path) -> str | None:
    """Lock an open file. Returns who holds it already, or None."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _written(handle)
    except OSError as error:
        logging.info("this file system has no locks (%s): a note says who is at work here", error.strerror)
        return _take_by_note(_note(path))
    return None


def _written(handle: TextIO) -> str:
    handle.seek(0)
    return handle.read().strip() or "it has just begun"


def _same_file(handle: TextIO, path: Path) -> bool:
    """False if the holder before us removed the file while we waited: then that lock protects nothing."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _note(path: Path) -> Path:
    return path.with_name(path.name + ".owner")


def _take_by_note(note: Path) -> str | None:
    """Put our note there, whole or not at all: of several processes one alone can make a link."""
    _remove_of_the_dead(note)
    draft = note.with_name(f"{note.name}.{uuid.uuid4().hex}")
    draft.write_text(json.dumps(asdict(Owner.here())) + "\n", encoding="utf-8")
    try:
        os.link(draft, note)
    except FileExistsError:
        return _described(note) or "it has just ended"
    except OSError as error:
        logging.warning("no locks and no links here (%s): let no other process compute the same", error.strerror)
    finally:
        draft.unlink(missing_ok=True)
    return None


def _remove_of_the_dead(note: Path) -> None:
    """Only one process can move a note away; one that a living process has put there meanwhile goes back."""
    if note.exists() and of_file(note).state() == DEAD:
        moved = note.with_name(f"{note.name}.{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):
            note.rename(moved)
            if of_file(moved).state() != DEAD:
                with contextlib.suppress(FileExistsError):
                    os.link(moved, note)
            moved.unlink()


def _described(note: Path) -> str | None:
    """Who holds a lock by a note, and what to do if that cannot be checked from here."""
    if not note.exists():
        return None
    owner = of_file(note)
    return str(owner) if owner.state() == ALIVE else f"{owner}; if it has ended, remove {note}"
