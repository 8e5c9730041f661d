"""Expands the configuration into runs: for every target path, its specification and its inputs.

The rules ask this package and nothing else; `track` and `audit` ask it which runs there should be and what to call
them. **A module per subject** (gaze.py, retrieval.py, ...) has a class that says which runs of it there are; for each
stage what its run is, in a method of the stage's name that `@made_in` marks; and which files it reads. A new subject is
a module of its own and a name in `Runs`.

Beside the subjects: configured.py, what they have in common · evaluations.py: what is asked of pre-trained models ·
folders.py: where runs are · programmes.py: what the public targets make · outdated.py: finished runs that the
configuration or the code no longer agrees with · planned.py: jobs that compute what was planned · fitting.py and
resources.py: what jobs ask of a machine · reported.py: what a report shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from scriptorium.digest import code_digest
from scriptorium.named import modules_of
from scriptorium.runs.attention import AttentionRuns
from scriptorium.runs.bench import BenchRuns
from scriptorium.runs.bits_per_byte import BitsPerByteRuns
from scriptorium.runs.catalogue import CatalogueRuns
from scriptorium.runs.claims import ClaimRuns
from scriptorium.runs.configured import Run
from scriptorium.runs.crosslingual import CrosslingualRuns
from scriptorium.runs.evaluations import EVALUATIONS
from scriptorium.runs.few_labels import FewLabelRuns
from scriptorium.runs.minimal_pairs import MinimalPairRuns
from scriptorium.runs.programmes import Programmes
from scriptorium.runs.protocols import ProtocolRuns
from scriptorium.runs.retrieval import RetrievalRuns
from scriptorium.runs.vectors import VectorRuns

__all__ = ["Plan", "Run", "Runs"]


@dataclass(frozen=True)
class Plan:
    """What a run computes: its specification (canonical JSON) and the digest of the code that computes it."""

    spec: str
    code: str


class Runs(
    CatalogueRuns,
    FewLabelRuns,
    MinimalPairRuns,
    BitsPerByteRuns,
    CrosslingualRuns,
    RetrievalRuns,
    VectorRuns,
    AttentionRuns,
    ProtocolRuns,
    ClaimRuns,
    BenchRuns,
    Programmes,
):
    """The runs of a project. Subjects that stand on others bring these along: claims, translation and generation."""

    def all(self) -> Iterator[Run]:
        """Every run that the configuration knows, and so has a name for."""
        yield from self.regressors
        yield from self.pretrained
        for setting in EVALUATIONS:
            yield from self.evaluated(setting)
        yield from self.translations()
        yield from self.generations()
        yield from self.finetuning

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
