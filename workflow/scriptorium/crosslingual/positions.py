"""How many positions a model needs for two texts that it reads as one, as in TLM."""

from __future__ import annotations

SPECIAL = 2  # tokens of a text beside its pieces


def positions_of(first: int, second: int, *, restarted: bool) -> int:
    """Of two texts of so many tokens, special ones among them. restarted: those of the second begin anew."""
    return max(first, second) if restarted else first + second
