"""What MLflow, its database and the disk complain about, each in one sentence with what to do.

A complaint is either the store's (locked, full, dead: nothing can be written, so the import stops) or that of one run
(a value that MLflow refuses: the run is left out, the others are not).
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from scriptorium.errors import UserError

LATER = "nothing is lost: the ledgers are on disk"
DISK = ("disk is full", "no space left", "disk quota exceeded", "file too large", "disk i/o error")
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
LOCKED, READ_ONLY, DAMAGED = ("database is locked",), ("readonly database",), ("malformed", "file is not a database")


@contextlib.contextmanager
def answering(where: str | Path) -> Iterator[None]:
    """Turn what MLflow, its database or the network complain about into a UserError."""
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, CommandError, OSError) as error:
        if found := of_the_store(error, where):
            raise found from error
        if isinstance(error, OSError) and not isinstance(error, RequestException):
            raise
        remedy = f"{LATER}, so start it (or correct tracking.uri) and import again"
        if "Invalid Host header" in str(error):
            remedy = "address the server by its IP, or start it with --allowed-hosts"
        if refuses_the_password(error):
            remedy = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        raise UserError(f"MLflow does not take this: {str(error)[:300]}", where=where, remedy=remedy) from error


def refuses_the_password(error: BaseException) -> bool:
    """Whether the server answered with status 401; a bare search for the figures would find them in a port, too."""
    status = getattr(error, "get_http_status_code", int)()
    return status == 401 or re.search(r"\b(error code|status code|HTTP) 401\b", str(error)) is not None


def of_the_store(error: BaseException, where: str | Path) -> UserError | None:
    """The sentence for a complaint that no other run could escape; None for any other."""
    text = str(error).lower()
    if getattr(error, "errno", None) in DISK_ERRORS or any(word in text for word in DISK):
        place = getattr(error, "filename", None) or where
        return UserError(
            f"the disk refuses to write ({in_one_line(error)}): it is full, over its quota, or failing",
            where=place,
            remedy=f"make room and import again; {LATER}",
        )
    if any(word in text for word in LOCKED):
        return locked(where)
    if any(word in text for word in READ_ONLY):
        return UserError("MLflow's database may not be written", where=where, remedy="correct its permissions")
    if any(word in text for word in DAMAGED):
        return UserError(
            "MLflow's database was damaged during the import",
            where=where,
            remedy=f"import again: the mirror is made anew from the ledgers; {LATER}",
        )
    return None


def locked(where: str | Path) -> UserError:
    """The sentence for a database that another program holds."""
    names = holders(Path(str(where).removeprefix("sqlite:///")))
    who = f"{' and '.join(names)} holds it" if names else "perhaps a database browser, a copy or another MLflow"
    remedy = f"end that program (or wait for it) and import again; {LATER}"
    return UserError(f"another program keeps MLflow's database locked ({who})", where=where, remedy=remedy)


def holders(file: Path) -> list[str]:
    """Processes that hold a lock on `file`, as the kernel lists them; empty where it does not."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        inode = str(file.stat().st_ino)
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = line.replace("-> ", "").split()
            if fields[5].rsplit(":", 1)[-1] == inode and int(fields[4]) not in (0, os.getpid()):
                command = Path("/proc", fields[4], "cmdline").read_text(encoding="utf-8", errors="replace")
                found.append(f"process {fields[4]} ({command.replace(chr(0), ' ').strip()[:60]})")
    return sorted(set(found))


def in_one_line(error: BaseException) -> str:
    """An exception as part of a sentence: its first line, without the statement that failed."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0][:300]
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError | TypeError | AttributeError) else text
