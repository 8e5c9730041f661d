"""The sqlite database of the mirror: made aside and renamed when it is whole, looked at before it is used.

The ledgers are the truth, so a database that MLflow cannot use is not repaired: it is set aside under a dated name,
with its artifacts, and made again. That is done to our own database only, the one below the results; one that
`tracking.uri` names may hold other people's runs.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path
from urllib.parse import quote

from scriptorium import file_lock
from scriptorium.errors import UserError
from scriptorium.tracking.complaints import answering, locked, of_the_store

PATIENCE = 20.0  # seconds to wait for a program that holds the database, as long as MLflow itself waits
COMPANIONS = ("-journal", "-wal", "-shm")  # what sqlite keeps beside a database


def make_ready(database: Path, artifacts: Path, *, ours: bool) -> None:
    """See to it that MLflow can use `database`: make a missing one, set an unusable one aside and make it again.

    Raises UserError where a person must decide: a locked one, a full disk, an unusable one that is not ours.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with file_lock.hold(database.with_name(f".{database.name}.lock")):
        if fault := find_fault(database, writing=True):
            if not ours:
                raise UserError(
                    f"MLflow cannot use this database: {fault}",
                    where=database,
                    remedy="move it away, or name another in tracking.uri (it may hold other people's runs)",
                )
            folder = set_aside(database, artifacts)
            print(
                f"warning: {database} cannot be used ({fault}): "
                f"it was moved to {folder} and is made again from the ledgers",
                file=sys.stderr,
            )
        if not database.exists():
            make(database)


def make(database: Path) -> None:
    """Make an empty database under a temporary name and give it its own when it is whole.

    A kill or a full disk on the way leaves a draft, which the next call removes, and never half a database.
    """
    import sqlalchemy
    from mlflow.store.db import utils
    from sqlalchemy.pool import NullPool

    draft = database.with_name(f".{database.name}.draft")
    remove(draft)
    engine = sqlalchemy.create_engine(f"sqlite:///{draft}", poolclass=NullPool)
    try:
        with answering(database):
            utils._initialize_tables(engine)
        draft.replace(database)
    finally:
        remove(draft)


def find_fault(database: Path, *, writing: bool = False) -> str | None:
    """Why MLflow cannot use a database, or None for a healthy or a missing one. Nothing is changed.

    Raises UserError for one that is locked (for the import: against writing) or cannot be opened, which is no fault.
    """
    if not database.exists():
        return None
    if database.is_file() and database.stat().st_size == 0:
        return "the file is empty"
    try:
        # not read-only: what a killed writer left half-done is rolled back by sqlite itself
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                return f"it is damaged: {verdict.splitlines()[-1]}"
            return find_schema_fault(connection)
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise locked(database) from None
        if known := of_the_store(error, database):
            raise known from None
        raise UserError(f"it cannot be opened: {error}", where=database, remedy="correct its permissions") from None
    except sqlite3.DatabaseError as error:
        return f"it is damaged: {error}"


def find_schema_fault(connection: sqlite3.Connection) -> str | None:
    """Whether the tables are those of the installed MLflow."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "experiments" not in there:
        return "it has no table of experiments"
    if "alembic_version" not in there:
        return "it was made only in part"
    revisions = [text for (text,) in connection.execute("SELECT version_num FROM alembic_version")]
    if not revisions:
        return "it was made only in part"
    import mlflow
    from mlflow.store.db import utils

    wanted = utils._get_latest_schema_revision()
    if revisions != [wanted]:
        return (
            f"its tables have the form {', '.join(revisions)} and MLflow {mlflow.__version__} needs {wanted}: "
            "it was made only in part, or by another MLflow version"
        )
    if lacking := sorted(set(utils.Base.metadata.tables) - there):
        return f"it lacks the table {lacking[0]}"
    return None


def set_aside(database: Path, artifacts: Path) -> Path:
    """Move a database and the artifacts that belong to it into a dated folder beside it. Returns the folder."""
    stamp = time.strftime("set-aside-%Y-%m-%d-%H%M%S")
    names = (stamp, *(f"{stamp}-{number}" for number in range(2, 1000)))
    folder = next(path for path in map(database.with_name, names) if not path.exists())
    folder.mkdir()
    for path in (artifacts, *(database.with_name(database.name + end) for end in (*COMPANIONS, ""))):
        if path.exists():  # the database last: until then the next import finds the same fault again
            path.rename(folder / path.name)
    return folder


def remove(database: Path) -> None:
    for end in ("", *COMPANIONS):
        database.with_name(database.name + end).unlink(missing_ok=True)
