"""Two variants on one task: what their runs predicted, and by how much one is better, paired by seed and example."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import Comparison, compare_metric, compare_totals
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.spec import KindOfTask

RESAMPLES_ANEW = 1000  # of a metric that is no function of sums and so is computed anew for each


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


def difference(
    own: Sequence[FinetuneRun],
    base: Sequence[FinetuneRun],
    task: KindOfTask,
    metric: str,
    resamples: int,
    seed: int,
) -> tuple[Comparison, int]:
    """Variant minus baseline over their common seeds, and how many these are.

    Raises UserError: no common seed, different test examples, a metric that cannot be computed from predictions.
    """
    ours, theirs = ({run.seed: run for run in side} for side in (own, base))
    common = sorted(ours.keys() & theirs.keys())
    name = f"{own[0].variant} and {base[0].variant} on {own[0].task}"
    if not common:
        raise UserError(f"{name} have no seed in common", remedy="train both with the same seeds")
    ids = base[0].predictions.index
    for run in (*own, *base):
        if not run.predictions.index.equals(ids):
            raise UserError(f"{name} were tested on different examples", remedy="run snakemake for both again")
    sides = [[side[k].predictions for k in common] for side in (ours, theirs)]
    kind, key = kind_of(task.kind), metric.removeprefix("test/")
    if function := kind.not_of_totals().get(key):
        labels = base[0].predictions["label"].to_numpy()
        a, b = (np.stack([made["prediction"].to_numpy() for made in side]) for side in sides)
        few = min(resamples, RESAMPLES_ANEW)
        return compare_metric(function, labels, a, b, resamples=few, seed=seed), len(common)
    a, b = (np.stack([kind.totals(made, task.labels) for made in side]) for side in sides)
    known = kind.from_totals(a.sum(axis=1), task.labels)
    if key not in known:
        raise UserError(
            f"no difference is defined for the metric {metric!r} of {own[0].task}",
            remedy=f"set metric of the task to one of {', '.join(known)}",
        )
    found = compare_totals(a, b, lambda sums: kind.from_totals(sums, task.labels)[key], resamples=resamples, seed=seed)
    return found, len(common)
