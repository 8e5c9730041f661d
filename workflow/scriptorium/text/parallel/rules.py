"""What is left out of parallel text (ours, all of it), and why, in words for the ledger."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.text.digest_store import DigestStore

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
KNOWN = "known"


def fault(first: str, second: str, rules: PairRules) -> str | None:
    """The rule that a pair of normalised texts breaks by itself; None: none."""
    if rules.identical and first.casefold() == second.casefold():
        return "identical"
    shorter, longer = sorted((len(first), len(second)))
    if longer > rules.longest:
        return "longest"
    return "ratio" if longer + SLACK > rules.ratio * (shorter + SLACK) else None


class Repetitions(DigestStore):
    """Pairs and sides that were there before."""

    def __init__(self, path: Path):
        super().__init__(path, (KNOWN,))

    def fault(self, languages: tuple[str, str], first: str, second: str, rules: PairRules) -> str | None:
        """Why the pair is a repetition, or None; then it is known from now on."""
        pair = "\0".join(languages)
        whole, *sides = (
            hashlib.blake2b("\0".join((pair, *parts)).encode(), digest_size=16).digest()
            for parts in ((first, second), ("1", first), ("2", second))
        )
        if self.has(KNOWN, whole):
            return "repeated"
        if rules.repeated_sides and any(self.has(KNOWN, side) for side in sides):
            return "repeated_side"
        for key in (whole, *sides):
            self.add(KNOWN, key)
        return None
