"""What is left out of parallel text (ours, all of it), and why, in words for the ledger."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import PairRules

SLACK = 10  # characters added to both sides, so that short sentences may differ more
REASONS = (
    "empty",
    "identical",
    "longest",
    "ratio",
    "repeated",
    "repeated_side",
)  # as they are asked


def fault(first: str, second: str, rules: PairRules) -> str | None:
    """The rule that a pair of normalised texts breaks by itself; None: none."""
    if rules.identical and first.casefold() == second.casefold():
        return "identical"
    shorter, longer = sorted((len(first), len(second)))
    if longer > rules.longest:
        return "longest"
    return "ratio" if longer + SLACK > rules.ratio * (shorter + SLACK) else None


class Repetitions:
    """Pairs and sides that were there before, kept on disk by digests of 128 bits."""

    def __init__(self, path: Path):
        self._db = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16384", "locking_mode=EXCLUSIVE"):
            self._db.execute(f"PRAGMA {setting}")  # a scratch file: after a crash it is made anew
        self._db.execute("CREATE TABLE known (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def fault(self, languages: tuple[str, str], first: str, second: str, rules: PairRules) -> str | None:
        """Why the pair is a repetition, or None; then it is known from now on."""
        pair = "\0".join(languages)
        whole, *sides = (
            hashlib.blake2b("\0".join((pair, *parts)).encode(), digest_size=16).digest()
            for parts in ((first, second), ("1", first), ("2", second))
        )
        if self._known(whole):
            return "repeated"
        if rules.repeated_sides and any(map(self._known, sides)):
            return "repeated_side"
        for key in (whole, *sides):
            self._db.execute("INSERT OR IGNORE INTO known VALUES (?)", (key,))
        return None

    def _known(self, key: bytes) -> bool:
        return self._db.execute("SELECT 1 FROM known WHERE digest = ?", (key,)).fetchone() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
