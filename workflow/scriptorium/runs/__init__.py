"""Expands the configuration into runs: for every target path, its specification and its inputs.

The rules ask this package and nothing else; `track` and `audit` ask it which runs there should be and what to call
them. configured.py: which runs · folders.py: where they are · specifications.py: what a run is · inputs.py: what it
reads · programmes.py: what the public targets make · outdated.py: finished runs that the configuration or the code no
longer agrees with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from scriptorium.digest import code_digest
from scriptorium.named import modules_of
from scriptorium.runs.configured import Run
from scriptorium.runs.programmes import Programmes
from scriptorium.runs.specifications import Specifications

__all__ = ["Plan", "Run", "Runs"]


@dataclass(frozen=True)
class Plan:
    """What a run computes: its specification (canonical JSON) and the digest of the code that computes it."""

    spec: str
    code: str


class Runs(Specifications, Programmes):
    """The runs of a project."""

    def plan(self, stage: str, **wildcards: str) -> Plan:
        """What the configuration and the code want of a run now. Raises UserError for a name that is not configured."""
        key = (stage, *sorted(wildcards.items()))
        if key not in self._plans:
            spec = getattr(self, stage)(**wildcards)
            code = code_digest(f"scriptorium.stages.{stage}", *modules_of(spec))
            self._plans[key] = Plan(spec.canonical(), code)
        return self._plans[key]

    @cached_property
    def _plans(self) -> dict[tuple, Plan]:
        return {}
