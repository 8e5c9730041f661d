"""Digests of what was there before, kept on disk: memory stays the same for any size of corpus.

A digest has 128 bits, so two different texts count as equal with a chance below 1e-20 among 1e9; it takes about 25
bytes of the file. Beside the digests stands how far a job has come, so both are always of the same moment: what was
added after the last `commit` is gone when a job dies.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

CACHE_KB = 16 << 10  # of the file in memory


class DigestStore:
    """Tables of digests in an SQLite file, and a record `progress` that is empty at first."""

    def __init__(self, path: Path, tables: Sequence[str]):
        """Raises sqlite3.DatabaseError: the file is damaged."""
        self._db = sqlite3.connect(path, isolation_level=None)
        # one process alone, so no memory is shared, which some network file systems lack
        for setting in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL", f"cache_size=-{CACHE_KB}"):
            self._db.execute(f"PRAGMA {setting}")
        for table in tables:
            self._db.execute(f"CREATE TABLE IF NOT EXISTS {table} (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY, record TEXT)")
        found = self._db.execute("SELECT record FROM progress").fetchone()
        self.progress: dict[str, Any] = json.loads(found[0]) if found else {}
        self._db.execute("BEGIN")

    def add(self, table: str, digest: bytes) -> bool:
        """Whether it was not there before; from now on it is."""
        return self._db.execute(f"INSERT OR IGNORE INTO {table} VALUES (?)", (digest,)).rowcount == 1

    def has(self, table: str, digest: bytes) -> bool:
        """Whether it is there."""
        return self._db.execute(f"SELECT 1 FROM {table} WHERE digest = ?", (digest,)).fetchone() is not None

    def count(self, table: str) -> int:
        """How many there are."""
        return self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def nth(self, table: str, number: int) -> bytes:
        """The `number`-th smallest, from 1."""
        query = f"SELECT digest FROM {table} ORDER BY digest LIMIT 1 OFFSET ?"
        return self._db.execute(query, (number - 1,)).fetchone()[0]

    def commit(self) -> None:
        """Keep all that was added, and `progress`."""
        self._db.execute("INSERT OR REPLACE INTO progress VALUES (0, ?)", (json.dumps(self.progress),))
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
