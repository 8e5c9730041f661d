"""Tasks in several languages, language by language, and XTREME's average (docs/xtreme.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.errors import UserError
from scriptorium.evaluation import xtreme
from scriptorium.evaluation.by_language import LANGUAGE
from scriptorium.evaluation.pseudo_values import Part
from scriptorium.evaluation.statistics import compare_parts, estimate_parts
from scriptorium.reporting.differences import FinetuneRun, Totals, items_of, parts_of, totals_of
from scriptorium.reporting.spec import TaskInLanguages
from scriptorium.reporting.style import INK, colour_of, marker_of, save, styled

MEAN, BENCHMARK, SCORE = "mean", "xtreme", "score"
COLUMNS = (
    *("variant", "task", "language", "metric", "value", "ci_low", "ci_high", "seeds", "n", "train_languages"),
    *("delta", "delta_ci_low", "delta_ci_high"),
)
Seeds = dict[int, pd.DataFrame]  # seed -> predictions


@dataclass(frozen=True)
class Side:
    """A variant's metric as a sum over parts, and how many seeds it has."""

    parts: list[Part]
    seeds: int


def table_of_languages(
    runs: Sequence[FinetuneRun], baseline: str, tasks: Mapping[str, TaskInLanguages]
) -> pd.DataFrame:
    """One row per variant, task, metric and language; `mean` is the plain mean over languages.

    variant, task, language, metric (without test/), value (mean over seeds) with its interval, which speaks of new
    seeds and new examples (evaluation/statistics.py), seeds, n (examples; translations of one another count once),
    train_languages, and delta: the difference to the baseline with its interval, empty for the baseline. A task of
    XTREME has its score too, the mean of F1 and exact match for questions. Where all tasks are XTREME's, rows of task
    `xtreme` are the plain mean of their scores, with n the number of tasks: XTREME's own number has all nine.

    Raises UserError: a run without languages, other test examples than the baseline's.
    """
    rows, order = [], list(dict.fromkeys(run.variant for run in runs))
    order = [baseline, *(name for name in order if name != baseline)]
    found = {
        name: {v: _seeds(runs, v, name) for v in order if any((r.variant, r.task) == (v, name) for r in runs)}
        for name in tasks
    }
    for name, variants in found.items():
        task = tasks[name]
        if baseline not in variants:
            raise UserError(f"task {name!r} has no run of the baseline {baseline!r}", remedy="add it to the variants")
        first = next(iter(variants[baseline].values()))
        for variant, seeds in variants.items():
            _check(name, variant, seeds, first)
        languages = list(dict.fromkeys(first[LANGUAGE]))
        totals = {v: totals_of(list(seeds.values()), task) for v, seeds in variants.items()}
        for label, metrics in _metrics(task).items():
            for language in (*languages, MEAN):
                own = languages if language == MEAN else [language]
                sides = {v: _side(made, task, metrics, own) for v, made in totals.items()}
                head = {"task": name, "language": language, "metric": label, "train_languages": " ".join(task.train)}
                rows += _rows(sides, baseline, items_of(first), head)
    if all(task.xtreme for task in tasks.values()):
        rows += _benchmark(found, baseline, tasks)
    return pd.DataFrame(rows)[list(COLUMNS)]


def _metrics(task: TaskInLanguages) -> dict[str, tuple[str, ...]]:
    """What is shown of a task: the table's metric, and if it is XTREME's the metrics of its score and the score."""
    key = task.metric.removeprefix("test/")
    if not task.xtreme:
        return {key: (key,)}
    own = xtreme.TASKS[task.xtreme].metrics
    return {**{name: (name,) for name in dict.fromkeys((key, *own))}, SCORE: own}


def _seeds(runs: Sequence[FinetuneRun], variant: str, task: str) -> Seeds:
    return {run.seed: run.predictions for run in runs if (run.variant, run.task) == (variant, task)}


def _check(task: str, variant: str, seeds: Seeds, first: pd.DataFrame) -> None:
    for made in seeds.values():
        if LANGUAGE not in made:
            raise UserError(
                f"the runs of {variant} on {task} know no languages",
                remedy="set languages of the task, and run snakemake again; or leave it out of the study",
            )
        if not (made.index.equals(first.index) and made[LANGUAGE].equals(first[LANGUAGE])):
            raise UserError(
                f"{variant} and the baseline on {task} were tested on different examples",
                remedy="run snakemake for both again",
            )


def _side(totals: Totals, task: TaskInLanguages, metrics: Sequence[str], languages: Sequence[str]) -> Side:
    return Side(parts_of(totals, task, *metrics, languages=languages), len(totals.rows))


def _rows(sides: Mapping[str, Side], baseline: str, items: int, head: dict[str, str]) -> list[dict]:
    """A row of each variant, which begins with `head`; items: of all languages, of which a side may have some."""
    used, rows = {variant: _of_items(side.parts, items) for variant, side in sides.items()}, []
    for variant, side in sides.items():
        parts, count = used[variant]
        own = estimate_parts(parts, count)
        row = {"variant": variant, **head, "value": own.value, "ci_low": own.low, "ci_high": own.high}
        row |= {"seeds": side.seeds, "n": count}
        row |= dict.fromkeys(("delta", "delta_ci_low", "delta_ci_high"), np.nan)
        rows.append(row | (_difference(parts, used[baseline][0], count) if variant != baseline else {}))
    return rows


def _difference(a: Sequence[Part], b: Sequence[Part], count: int) -> dict[str, float]:
    found = compare_parts(a, b, count)
    return {"delta": found.difference, "delta_ci_low": found.low, "delta_ci_high": found.high}


def _of_items(parts: Sequence[Part], items: int) -> tuple[list[Part], int]:
    """The parts with items numbered without gaps: those that no part has would count as examples without a say."""
    there = np.unique(np.concatenate([part.items for part in parts]))
    place = np.zeros(items, np.int64)
    place[there] = np.arange(len(there))
    return [replace(part, items=place[part.items]) for part in parts], len(there)


def _benchmark(
    found: Mapping[str, Mapping[str, Seeds]], baseline: str, tasks: Mapping[str, TaskInLanguages]
) -> list[dict]:
    """The mean of the tasks' scores: items of different tasks are different, seeds of one number belong together."""
    sides, starts, items = {}, {}, 0
    for name, variants in found.items():
        starts[name] = items
        items += items_of(next(iter(variants[baseline].values())))
    for variant in found[next(iter(found))]:
        if any(variant not in variants for variants in found.values()):
            continue
        common = sorted(set.intersection(*(set(variants[variant]) for variants in found.values())))
        if not common:
            continue
        parts = []
        for name, task in tasks.items():
            side, metrics = [found[name][variant][seed] for seed in common], xtreme.TASKS[task.xtreme].metrics
            own = parts_of(totals_of(side, task), task, *metrics, weight=1 / len(tasks))
            parts += [replace(part, items=part.items + starts[name]) for part in own]
        sides[variant] = Side(parts, len(common))
    if baseline not in sides:
        return []
    trained = " ".join(dict.fromkeys(code for task in tasks.values() for code in task.train))
    head = {"task": BENCHMARK, "language": MEAN, "metric": SCORE, "train_languages": trained}
    return [row | {"n": len(tasks)} for row in _rows(sides, baseline, items, head)]


def coverage(tasks: Mapping[str, TaskInLanguages], made: pd.DataFrame) -> list[str]:
    """Sentences that say how much of XTREME a study has."""
    notes = []
    for name, task in tasks.items():
        if task.xtreme:
            wanted, there = xtreme.TASKS[task.xtreme].languages, set(made.loc[made["task"] == name, "language"])
            notes.append(f"{name}: {len(there & set(wanted))} of the {len(wanted)} languages of XTREME's {task.xtreme}")
    if BENCHMARK in set(made["task"]):
        notes.append(f"XTREME's average is over {len(tasks)} of its {len(xtreme.TASKS)} tasks")
    return notes


def figure(made: pd.DataFrame, path: Path) -> Path:
    """For each task the table's first metric by language, a dot with its interval for each variant."""
    tasks = [name for name in dict.fromkeys(made["task"]) if name != BENCHMARK]
    variants = list(dict.fromkeys(made["variant"]))
    with styled():
        size = (2.0 + 3.4 * len(tasks), 2.2 + 0.16 * len(variants))
        canvas, panels = plt.subplots(1, len(tasks), figsize=size, squeeze=False, layout="constrained")
        for axes, task in zip(panels[0], tasks, strict=True):
            rows = made[made["task"] == task]
            rows = rows[rows["metric"] == rows["metric"].iloc[0]]
            languages = list(dict.fromkeys(rows["language"]))
            for number, variant in enumerate(variants):
                own = rows[rows["variant"] == variant].set_index("language").reindex(languages)
                where = np.arange(len(languages)) + 0.7 * ((number + 0.5) / len(variants) - 0.5)
                colour = colour_of(number)
                axes.vlines(where, own["ci_low"], own["ci_high"], color=colour, linewidth=2)
                axes.plot(where, own["value"], marker_of(number), color=colour, markersize=4.5, label=variant)
            axes.axvline(len(languages) - 1.5, color=INK, linewidth=0.6)
            axes.set_xticks(range(len(languages)), languages)
            axes.set_title(task, fontweight="bold")
            axes.set_ylabel(rows["metric"].iloc[0])
        panels[0][0].legend(fontsize=8)
        return save(canvas, path)
