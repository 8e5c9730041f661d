"""Expands the configuration into runs: for every target path, its specification and its inputs.

The rules ask this package and nothing else; `track` and `audit` ask it which runs there should be and what to call
them. names.py: which runs · specs.py: what a run is · inputs.py: what it reads.
"""

from __future__ import annotations

from scriptorium.digest import code_digest
from scriptorium.runs.inputs import Inputs
from scriptorium.runs.names import Run
from scriptorium.runs.specs import Specs

__all__ = ["Run", "Runs", "code"]


class Runs(Specs, Inputs):
    """The runs of a project."""


def code(stage: str) -> str:
    """Code digest of a stage, by its module's name."""
    return code_digest(f"scriptorium.stages.{stage}")
