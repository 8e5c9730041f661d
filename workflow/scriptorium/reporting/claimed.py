"""What claims compare: runs of fine-tuning, of written texts and translations, and what pre-trained models are asked
without either, each by its measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scriptorium.generation.metrics import METRICS
from scriptorium.reporting import bits_per_byte, differences, few_labels, minimal_pairs, retrieval, vectors, written
from scriptorium.reporting.finetuning import checked_metric
from scriptorium.reporting.spec import ClaimRow, TaskInTables
from scriptorium.tasks.kind import kind_of
from scriptorium.vectors.measures import MEASURES, STRICT


@dataclass(frozen=True)
class Found:
    """A measured claim. a, b: values over the seeds that each variant has · difference: a - b, in the metric's unit ·
    unit: what 1 is in it, 100 for a metric in percent."""

    metric: str
    a: float
    b: float
    difference: differences.Difference
    lower_better: bool = False
    unit: float = 1


class Subject:
    """The runs of one stage. A subclass says how two variants are compared."""

    def __init__(self, runs: Sequence[Any], smallest: float):
        """runs: with their variant, seed and `place` · smallest: effect of interest, of a metric between 0 and 1."""
        self.smallest = smallest
        self.runs: dict[tuple[str, str], list[Any]] = {}
        for run in runs:
            self.runs.setdefault((run.variant, self.place(run)), []).append(run)
        self._compared: dict[tuple[str, str, str, str], Found] = {}  # several claims may ask for the same comparison

    def measured(self, claim: ClaimRow) -> Found | None:
        """None where one of the variants has no run."""
        a, b = (self.runs.get((name, claim.task), []) for name in (claim.a, claim.b))
        if not (a and b):
            return None
        key = (claim.a, claim.b, claim.task, claim.metric)
        if key not in self._compared:
            self._compared[key] = self.compare(a, b, claim)
        return self._compared[key]

    @staticmethod
    def place(run: Any) -> str:
        """The task of a run, or what stands for it."""
        raise NotImplementedError

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        raise NotImplementedError


class Finetuned(Subject):
    """Fine-tuned models, by the metric of the task."""

    def __init__(self, runs: Sequence[differences.FinetuneRun], smallest: float, tasks: Mapping[str, TaskInTables]):
        super().__init__(runs, smallest)
        self.tasks = tasks

    @staticmethod
    def place(run: differences.FinetuneRun) -> str:
        return run.task

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        metric, task = checked_metric(claim.task, claim.metric, (a, b)), self.tasks[claim.task]
        made = differences.difference(a, b, task, metric, smallest=self.smallest)
        means = [float(np.mean([run.metrics[metric] for run in side])) for side in (a, b)]
        return Found(metric, *means, made, kind_of(task.kind).lower_is_better(metric))


class Written(Subject):
    """Texts that models wrote, translations among them, by a metric of their task: the first, if a claim names none."""

    def __init__(self, runs: Sequence[written.WrittenRun], smallest: float, tasks: Mapping[str, written.Measured]):
        super().__init__(runs, smallest)
        self.tasks = tasks

    @staticmethod
    def place(run: written.WrittenRun) -> str:
        return run.task

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        task = self.tasks[claim.task]
        metric = claim.metric or task.metrics[0]
        unit = METRICS[metric].unit if metric in METRICS else 1
        values, made = written.difference(a, b, metric, task, smallest=self.smallest * unit)
        return Found(metric, *values, made, METRICS[metric].lower_better, unit)


class Retrieved(Subject):
    """Encoders that find translations, by the mean over languages in both directions, of the layer that counts."""

    @staticmethod
    def place(run: retrieval.RetrievalRun) -> str:
        return run.collection

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        values, made = retrieval.difference(a, b, smallest=self.smallest)
        return Found(retrieval.metric_of(a[0]), *values, made)


class Vectored(Subject):
    """Encoders by the vectors of words and texts of translations: word retrieval in context, or another measure."""

    def __init__(self, runs: Sequence[vectors.VectorsRun], smallest: float, layers: Mapping[str, int | None]):
        """layers: set -> the layer that counts, if one is given."""
        super().__init__(runs, smallest)
        self.layers = layers

    @staticmethod
    def place(run: vectors.VectorsRun) -> str:
        return run.collection

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        measure = claim.metric or STRICT
        values, made = vectors.difference(a, b, measure, self.layers[claim.task], smallest=self.smallest)
        return Found(measure, *values, made, lower_better=MEASURES[measure].lower_better)


class Probed(Subject):
    """Encoders that are frozen below a linear probe, by accuracy over all numbers of labels."""

    @staticmethod
    def place(run: few_labels.ProbeRun) -> str:
        return run.task

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        values, made = few_labels.difference(a, b, smallest=self.smallest)
        return Found("accuracy, few labels", *values, made)


class ScoredPairs(Subject):
    """Models that find the real sentence of a minimal pair the more likely one, by accuracy."""

    @staticmethod
    def place(run: minimal_pairs.PairsRun) -> str:
        return run.data

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        values, made = minimal_pairs.difference(a, b, smallest=self.smallest)
        return Found("accuracy, minimal pairs", *values, made)


class ScoredTexts(Subject):
    """Models by what held-out text costs them; likelihoods of one kind only."""

    @staticmethod
    def place(run: bits_per_byte.TextsRun) -> str:
        return bits_per_byte.PLACE

    def compare(self, a: Sequence[Any], b: Sequence[Any], claim: ClaimRow) -> Found:
        values, made = bits_per_byte.difference(a, b, smallest=self.smallest)
        return Found("bits per byte", *values, made, lower_better=True)
