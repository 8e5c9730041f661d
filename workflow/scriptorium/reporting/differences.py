"""Two variants on one task: what their runs predicted, and by how much one is better, paired by seed and example."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import Comparison, compare_metric, compare_totals
from scriptorium.tasks.kinds import classification, multiple_choice, question_answering, tagging, word_measures

CORRELATION_RESAMPLES = 1000  # of a metric that is no function of sums, each computed anew


@dataclass(frozen=True)
class FinetuneRun:
    """One run, its names by its path: metrics.json, and predictions.parquet (label, prediction) indexed by id.

    labels: the task's classes, tags, measures or parts; empty where the run's journal does not say.
    """

    variant: str
    task: str
    seed: int
    metrics: dict[str, float]
    predictions: pd.DataFrame
    labels: tuple[str, ...] = ()


def read(manifest: Path) -> FinetuneRun:
    """The run in results/finetune/<variant>/<task>/seed<k>/."""
    directory = manifest.parent
    journal = directory / "run.json"
    spec = json.loads(journal.read_text(encoding="utf-8"))["spec"] if journal.exists() else {}
    return FinetuneRun(
        variant=directory.parent.parent.name,
        task=directory.parent.name,
        seed=int(directory.name.removeprefix("seed")),
        metrics=json.loads((directory / "metrics.json").read_text(encoding="utf-8")),
        predictions=pd.read_parquet(directory / "predictions.parquet").set_index("id"),
        labels=tuple(spec.get("labels", ())),
    )


def lower_is_better(metric: str) -> bool:
    """Whether a metric is an error: error, mse, mae, mae_<measure>."""
    return metric.removeprefix("test/").startswith(("error", "mse", "mae"))


def kind_of(predictions: pd.DataFrame) -> str:
    """The kind of task that a table of predictions belongs to, by its columns and their types."""
    if "exact" in predictions:
        return "question_answering"
    if "probabilities" in predictions:
        return "multiple_choice"
    if predictions["label"].dtype == object:
        first = next((label[0] for label in predictions["label"] if len(label)), 0)
        return "gaze" if np.ndim(first) else "tagging"
    return "classification" if _classes(predictions) else "regression"


def difference(
    own: Sequence[FinetuneRun], base: Sequence[FinetuneRun], metric: str, resamples: int, seed: int
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
    sides = [[side[k] for k in common] for side in (ours, theirs)]
    key = metric.removeprefix("test/")
    if key == "spearman":
        labels = base[0].predictions["label"].to_numpy()
        a, b = (np.stack([run.predictions["prediction"].to_numpy() for run in side]) for side in sides)
        found = compare_metric(
            classification.spearman, labels, a, b, resamples=min(resamples, CORRELATION_RESAMPLES), seed=seed
        )
        return found, len(common)
    measure = _measure(base[0])
    a, b = (np.stack([_totals(run, name) for run in side]) for side in sides)
    if key not in measure(a.sum(axis=1)):
        raise UserError(
            f"no difference is defined for the metric {metric!r} of {own[0].task}",
            remedy=f"set metric of the task to one of {', '.join(measure(a.sum(axis=1)))}",
        )
    found = compare_totals(a, b, lambda sums: measure(sums)[key], resamples=resamples, seed=seed)
    return found, len(common)


def _measure(run: FinetuneRun) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """From sums over examples to every metric of the task's kind."""
    kind = kind_of(run.predictions)
    if kind == "gaze":
        width = len(run.predictions["label"].iloc[0][0])
        names = run.labels or tuple(map(str, range(width)))
        return lambda sums: word_measures.from_totals(sums, names)
    if kind == "multiple_choice":
        return lambda sums: multiple_choice.from_totals(sums, run.labels)
    return {
        "classification": classification.from_confusion,
        "regression": classification.from_moments,
        "tagging": tagging.from_totals,
        "question_answering": question_answering.from_totals,
    }[kind]


def _totals(run: FinetuneRun, pair: str) -> np.ndarray:
    """What each example adds to the sums of which the metrics are made, [examples, k]."""
    labels, predictions = run.predictions["label"], run.predictions["prediction"]
    kind = kind_of(run.predictions)
    if kind == "classification":
        return classification.confusion(labels.to_numpy(), predictions.to_numpy(), _classes(run.predictions))
    if kind == "regression":
        return classification.moments(labels.to_numpy(), predictions.to_numpy())
    if kind == "gaze":
        return word_measures.totals(list(labels), list(predictions))
    if kind == "question_answering":
        return question_answering.totals(run.predictions)
    if kind == "multiple_choice":
        return multiple_choice.totals(run.predictions, run.labels)
    if not run.labels:
        raise UserError(
            f"{pair}: a run has no run.json, which names the tags",
            where=f"results/finetune/{run.variant}/{run.task}/seed{run.seed}",
            remedy="run snakemake for it again",
        )
    return tagging.totals(list(labels), list(predictions), run.labels)


def _classes(predictions: pd.DataFrame) -> int:
    return sum(column.startswith("probability_") for column in predictions.columns)
