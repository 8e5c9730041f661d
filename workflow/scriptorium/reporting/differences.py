"""Two variants on one task: what their runs predicted, by how much one is better, and how far they differ at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.by_language import LANGUAGE
from scriptorium.evaluation.pseudo_values import Part
from scriptorium.evaluation.statistics import Comparison, compare, compare_metric, compare_parts
from scriptorium.reporting.manipulation import Manipulation, manipulation
from scriptorium.tasks.kind import TaskKind, kind_of
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
    require = partial(_require, key, f"{metric!r} of {own[0].task}")
    settings = {"smallest": smallest, "lower_better": kind.lower_is_better(metric)}
    if LANGUAGE in base[0].predictions:
        totals = [totals_of(made, task) for made in sides]
        require(kind.from_totals(totals[0].rows.sum(axis=1), task.labels))
        a, b = (parts_of(each, task, key) for each in totals)
        found = compare_parts(a, b, items_of(base[0].predictions), **settings)
    elif whole := kind.not_of_totals().get(key):
        labels = base[0].predictions["label"].to_numpy()
        a, b = (np.stack([made["prediction"].to_numpy() for made in side]) for side in sides)
        found = compare_metric(whole.function, labels, a, b, left_out=whole.left_out, **settings)
    else:
        a, b = (np.stack([kind.totals(made, task.labels) for made in side]) for side in sides)
        require(kind.from_totals(a.sum(axis=1), task.labels))
        found = compare(a, b, lambda sums: kind.from_totals(sums, task.labels)[key], **settings)
    acted = manipulation(*({run.seed: run.predictions for run in side} for side in (own, base)), task)
    return Difference(found, acted, min(len(own), len(base)))


@dataclass(frozen=True)
class Totals:
    """What each example adds to its sums, [seeds, n, k], its language [n], and which item it is of [n].

    Examples with the same id are translations of one another: one item.
    """

    rows: np.ndarray
    languages: np.ndarray
    items: np.ndarray


def totals_of(side: Sequence[pd.DataFrame], task: KindOfTask) -> Totals:
    """Of a side's predictions, those of each seed, with a column `language`."""
    rows = np.stack([kind_of(task.kind).totals(made, task.labels) for made in side])
    return Totals(rows, side[0][LANGUAGE].to_numpy(), pd.factorize(side[0].index)[0])


def parts_of(
    totals: Totals, task: KindOfTask, *metrics: str, languages: Sequence[str] = (), weight: float = 1.0
) -> list[Part]:
    """The mean of the metrics, and of it over the languages (all, or those named), all together of this weight."""
    kind, made = kind_of(task.kind), []
    chosen = list(languages or dict.fromkeys(totals.languages))
    for own in chosen:
        there = totals.languages == own
        for key in metrics:
            metric = partial(_metric, kind, task.labels, key)
            share = weight / len(chosen) / len(metrics)
            made.append(Part(totals.rows[:, there], totals.items[there], metric, share))
    return made


def items_of(predictions: pd.DataFrame) -> int:
    """How many different examples there are."""
    return predictions.index.nunique()


def _metric(kind: TaskKind, labels: Sequence[str], key: str, sums: np.ndarray) -> np.ndarray:
    return kind.from_totals(sums, labels)[key]


def _require(key: str, shown: str, known: Mapping[str, object]) -> None:
    if key not in known:
        raise UserError(
            f"no difference is defined for the metric {shown}",
            remedy=f"set metric of the task to one of {', '.join(known)}",
        )
