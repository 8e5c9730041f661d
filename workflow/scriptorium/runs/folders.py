"""Where the runs of every stage are: its run directory, with what tells its runs apart in braces.

The rules write the same paths (a test compares them). From a directory follows what the configuration wants there now:
the DAG asks so for results that are out of date, and the audit for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

FOLDERS: dict[str, str] = {}  # stage -> folder


def made_in(folder: str) -> Callable[[Callable], Callable]:
    """Decorator of a subject's method that is named after the stage."""

    def known(method: Callable) -> Callable:
        FOLDERS[method.__name__] = folder
        return method

    return known


def wildcards_of(stage: str, folder: str) -> dict[str, str] | None:
    """What tells the run in `folder` apart from others of its stage; None if the stage has no runs there."""
    found = _pattern(stage).fullmatch(folder) if stage in FOLDERS else None
    return found.groupdict() if found else None


@cache
def _pattern(stage: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", FOLDERS[stage])
    rules = {"seed": r"\d+", "of": r"|_[a-z0-9]+", "of_study": r"|_[^/]+"}
    named = [
        f"(?P<{part}>{rules.get(part, '[^/]+')})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    ]
    return re.compile("".join(named))
