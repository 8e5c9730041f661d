"""What a corpus had before, kept on disk: memory stays the same for any size of corpus.

One digest of 128 bits per paragraph, so two different ones count as equal with a chance below 1e-20 among 1e9. A
digest takes about 25 bytes of the scratch file.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Self

CACHE_KB = 16 << 10  # of the scratch file in memory


class Seen:
    """Paragraphs and names that were there before, and the hashes by which documents are held out."""

    def __init__(self, path: Path):
        self._db = sqlite3.connect(path, isolation_level=None)
        # a scratch file: after a crash it is made anew, so nothing needs to be safe
        for setting in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{CACHE_KB}", "locking_mode=EXCLUSIVE"):
            self._db.execute(f"PRAGMA {setting}")
        for table in ("paragraphs", "names", "documents"):
            self._db.execute(f"CREATE TABLE {table} (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("BEGIN")
        self.documents = 0

    def new_paragraphs(self, paragraphs: list[str]) -> list[str]:
        """Those that were not there before, in their order; from now on they are known."""
        return [text for text in paragraphs if text and self._add("paragraphs", _digest(text))]

    def new_name(self, name: str) -> bool:
        """Whether no document had this name; from now on it is known."""
        return self._add("names", _digest(name))

    def add_document(self, order: bytes) -> None:
        """Count a document and keep the hash that decides whether it is held out."""
        self.documents += self._add("documents", order)

    def smallest(self, count: int) -> bytes:
        """The `count`-th smallest hash of the documents, count from 1."""
        query = "SELECT digest FROM documents ORDER BY digest LIMIT 1 OFFSET ?"
        return self._db.execute(query, (count - 1,)).fetchone()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _add(self, table: str, digest: bytes) -> bool:
        return self._db.execute(f"INSERT OR IGNORE INTO {table} VALUES (?)", (digest,)).rowcount == 1


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
