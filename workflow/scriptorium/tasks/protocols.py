"""What a task is called under the papers' protocol (config/protocols.py; docs/protocols.md)."""

from __future__ import annotations

ENDING = "-paper"


def as_in_papers(task: str) -> str:
    """The name of a task under the papers' protocol."""
    return f"{task}{ENDING}"


def without_protocol(task: str) -> str:
    """The name of a task, whatever its protocol: under which papers' numbers and claims stand."""
    return task.removesuffix(ENDING)
