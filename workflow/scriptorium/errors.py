"""Errors a user can act on.

A `UserError` is printed as one readable paragraph, without a traceback: it names what is wrong, where, and
what to do about it. Everything else is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from scriptorium.masked import masked


class UserError(Exception):
    """Wrong input, with the place and the remedy.

    `where` names the file (and row or key); `remedy` says what to do next.
    """

    def __init__(self, problem: str, *, where: str | Path | None = None, remedy: str | None = None):
        problem, where = masked(problem), masked(str(where)) if where else where
        self.problem, self.where, self.remedy = problem, where, masked(remedy) if remedy else remedy
        parts = [f"{where}: {problem}" if where else problem]
        if remedy:
            parts.append(f"  remedy: {self.remedy}")
        super().__init__("\n".join(parts))


class Interrupted(Exception):
    """A job stopped before its end on purpose (deadline, SIGTERM); its state is saved and it can be run again.

    out_of_time: it was the deadline, and the job had come further than it was at its start.
    """

    out_of_time = False


def nearest(name: str, valid: Iterable[str]) -> str:
    """', did you mean ...?' for the closest valid name, else the list of valid names."""
    valid = sorted(valid)
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"valid names: {', '.join(valid) or '(none)'}"
