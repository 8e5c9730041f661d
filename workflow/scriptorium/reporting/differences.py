"""Two variants on one task: what their runs predicted, by how much one is better, and how far they differ at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import Comparison, compare, compare_metric
from scriptorium.reporting.manipulation import Manipulation, manipulation
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import KindOfTask


@dataclass(frozen=True)
class FinetuneRun:
    """One run, its names by its path: metrics.json, and predictions.parquet (label, prediction) indexed by id."""

    variant: str
    task: str
    seed: int
    metrics: dict[str, float]
    predictions: pd.DataFrame


def read(manifest: Path) -> FinetuneRun:
    """The run in results/finetune/<variant>/<task>/seed<k>/."""
    directory = manifest.parent
    return FinetuneRun(
        variant=directory.parent.parent.name,
        task=directory.parent.name,
        seed=int(directory.name.removeprefix("seed")),
        metrics=json.loads((directory / "metrics.json").read_text(encoding="utf-8")),
        predictions=pd.read_parquet(directory / "predictions.parquet").set_index("id"),
    )


@dataclass(frozen=True)
class Difference:
    """Variant minus baseline: the comparison of the metric, and how far the two differ at all.

    seeds: of the side that has fewer.
    """

    comparison: Comparison
    manipulation: Manipulation
    seeds: int


def difference(
    own: Sequence[FinetuneRun],
    base: Sequence[FinetuneRun],
    task: KindOfTask,
    metric: str,
    *,
    smallest: float = 0.0,
) -> Difference:
    """Variant minus baseline on new seeds and new examples. Two variants share no more than the number of a seed, so
    seeds are not paired, and each side counts with all that it has. smallest: the smallest effect of interest.

    Raises UserError: different test examples, a metric that cannot be computed from predictions.
    """
    ids = base[0].predictions.index
    for run in (*own, *base):
        if not run.predictions.index.equals(ids):
            raise UserError(
                f"{own[0].variant} and {base[0].variant} on {own[0].task} were tested on different examples",
                remedy="run snakemake for both again",
            )
    sides = [[run.predictions for run in side] for side in (own, base)]
    kind, key = kind_of(task.kind), metric.removeprefix("test/")
    settings = {"smallest": smallest, "lower_better": kind.lower_is_better(metric)}
    if whole := kind.not_of_totals().get(key):
        labels = base[0].predictions["label"].to_numpy()
        a, b = (np.stack([made["prediction"].to_numpy() for made in side]) for side in sides)
        found = compare_metric(whole.function, labels, a, b, left_out=whole.left_out, **settings)
    else:
        a, b = (np.stack([kind.totals(made, task.labels) for made in side]) for side in sides)
        known = kind.from_totals(a.sum(axis=1), task.labels)
        if key not in known:
            raise UserError(
                f"no difference is defined for the metric {metric!r} of {own[0].task}",
                remedy=f"set metric of the task to one of {', '.join(known)}",
            )
        found = compare(a, b, lambda sums: kind.from_totals(sums, task.labels)[key], **settings)
    acted = manipulation(*({run.seed: run.predictions for run in side} for side in (own, base)), task)
    return Difference(found, acted, min(len(own), len(base)))
