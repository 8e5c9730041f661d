"""Table and figure of a fine-tuning study: every variant against the baseline, on the same seeds and test examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.errors import UserError, nearest
from scriptorium.evaluation.statistics import holm, mean_sd
from scriptorium.reporting.differences import FinetuneRun, difference, read
from scriptorium.reporting.spec import TaskInTables
from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE, save, styled
from scriptorium.tasks.kind import kind_of

__all__ = ["FinetuneRun", "difference", "figure", "read", "scale", "sentence", "table_of_variants"]

ALPHA = 0.05
ENOUGH_SEEDS = 5
LEAST_SPAN = 0.04  # of an axis: a smaller one would make nothing look like something
BETTER, WORSE, UNKNOWN, BASELINE = "better", "worse", "no difference shown", "baseline"


def scale(seeds: int) -> str:
    """How far the number of seeds carries."""
    count = f"{seeds} seed{'' if seeds == 1 else 's'}"
    return count if seeds >= ENOUGH_SEEDS else f"{count}: a quick look"


def table_of_variants(
    runs: Sequence[FinetuneRun], baseline: str, *, tasks: Mapping[str, TaskInTables], resamples: int, seed: int
) -> pd.DataFrame:
    """One row per task and variant, the baseline first in each task.

    delta is variant minus baseline over the seeds that both have; the interval and p come from
    evaluation/statistics.py; p_holm is corrected over all rows of the study. A verdict of better or worse needs both
    p_holm < 0.05 (these models differ) and an interval without 0 (other seeds would too); this rule is ours.

    Raises UserError: baseline missing for a task, no common seed, different test examples, unknown metric.
    """
    rows = []
    for task, variants in _grouped(runs).items():
        if baseline not in variants:
            raise UserError(
                f"task {task!r} has no run of the baseline {baseline!r}",
                remedy="add the baseline to the study's variants",
            )
        metric = checked_metric(task, tasks[task].metric, variants.values())
        order = [baseline, *(name for name in variants if name != baseline)]
        base_mean, _ = mean_sd([run.metrics[metric] for run in variants[baseline]])
        for name in order:
            mean, sd = mean_sd([run.metrics[metric] for run in variants[name]])
            row = {
                "variant": name,
                "task": task,
                "metric": metric,
                "seeds": len(variants[name]),
                "mean": mean,
                "sd": sd,
                "baseline_mean": base_mean,
                "delta": np.nan,
                "ci_low": np.nan,
                "ci_high": np.nan,
                "p": np.nan,
                "p_holm": np.nan,
                "verdict": BASELINE,
                "scale": scale(len(variants[name])),
            }
            if name != baseline:
                found, paired = difference(variants[name], variants[baseline], tasks[task], metric, resamples, seed)
                row |= {
                    "delta": found.difference,
                    "ci_low": found.low,
                    "ci_high": found.high,
                    "p": found.p,
                    "scale": scale(paired),
                }
            rows.append(row)
    made = pd.DataFrame(rows)
    tested = made["p"].notna()
    made.loc[tested, "p_holm"] = holm(made.loc[tested, "p"].tolist())
    made.loc[tested, "verdict"] = [
        _verdict(row, lower_better=lower_is_better(tasks[row.task])) for row in made[tested].itertuples()
    ]
    return made


def sentence(row: tuple) -> str:
    """One row of the table in plain words."""
    if row.verdict == BASELINE:
        return f"{row.task}: baseline {row.variant} reaches {row.metric} {row.mean:.3f} ({row.scale})"
    return (
        f"{row.task}: {row.variant} {row.mean:.3f}, {_signed(row.delta)} against the baseline "
        f"[{_signed(row.ci_low)}, {_signed(row.ci_high)}], p after Holm {row.p_holm:.3f}: {row.verdict} ({row.scale})"
    )


def figure(runs: Sequence[FinetuneRun], made: pd.DataFrame, tasks: Mapping[str, TaskInTables], path: Path) -> Path:
    """Per task a row of two panels: scores (dot = seed, bar = mean) and the paired difference with its interval."""
    names = list(dict.fromkeys(made["task"]))
    most = int(made.groupby("task").size().max())
    with styled():
        canvas, panels = plt.subplots(
            len(names),
            2,
            figsize=(9.6, 0.7 + len(names) * (1.0 + 0.36 * most)),
            width_ratios=(1, 1),
            layout="constrained",
            squeeze=False,
        )
        canvas.get_layout_engine().set(hspace=0.06, wspace=0.04)
        for (left, right), task in zip(panels, names, strict=True):
            rows = made[made["task"] == task].reset_index(drop=True)
            metric = rows["metric"].iloc[0]
            _scores(left, [run for run in runs if run.task == task], rows, metric)
            _differences(right, rows, lower_better=lower_is_better(tasks[task]))
            left.set_title(task, fontweight="bold")
        return save(canvas, path)


def _scores(axes: plt.Axes, runs: Sequence[FinetuneRun], rows: pd.DataFrame, metric: str) -> None:
    axes.axvline(rows["baseline_mean"].iloc[0], color=RULE, linewidth=1.2, zorder=0)
    for place, row in rows.iterrows():
        own = sorted((run for run in runs if run.variant == row.variant), key=lambda run: run.seed)
        heights = place + (np.linspace(-0.16, 0.16, len(own)) if len(own) > 1 else np.zeros(1))
        colour = QUIET if row.verdict == BASELINE else COLOURS[0]
        axes.plot(
            [run.metrics[metric] for run in own], heights, "o", color=colour, markersize=5, alpha=0.8, markeredgewidth=0
        )
        axes.plot([row["mean"]] * 2, [place - 0.3, place + 0.3], color=INK, linewidth=2, solid_capstyle="butt")
    low, high = axes.get_xlim()
    missing = max(0, LEAST_SPAN - (high - low)) / 2
    low, high = low - missing, high + missing
    axes.set_xlim(low, high + (high - low) * 0.16)
    for place, row in rows.iterrows():
        axes.text(
            0.995,
            place,
            f"{row['mean']:.3f}",
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=9,
        )
    axes.locator_params(axis="x", nbins=6)
    axes.set_yticks(range(len(rows)), rows["variant"])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"{metric.replace('/', ' ')} (dot: one seed, bar: mean)")


def _differences(axes: plt.Axes, rows: pd.DataFrame, *, lower_better: bool) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    colours = {BETTER: COLOURS[2], WORSE: COLOURS[1], UNKNOWN: COLOURS[0]}
    for place, row in rows.iterrows():
        if row.verdict == BASELINE:
            continue
        axes.plot([row.ci_low, row.ci_high], [place, place], color=colours[row.verdict], linewidth=2.2)
        axes.plot(row.delta, place, "o", color=colours[row.verdict], markersize=6.5)
        axes.text(
            row.delta,
            place - 0.14,
            f"{_signed(row.delta)}, {row.verdict}",
            ha="center",
            va="bottom",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
        )
    reach = np.nanmax(np.abs(rows[["delta", "ci_low", "ci_high"]].to_numpy()), initial=LEAST_SPAN / 2) * 1.25
    axes.set_xlim(-reach, reach)
    axes.locator_params(axis="x", nbins=6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(f"difference to {rows['variant'].iloc[0]}, 95% interval")
    better = "left" if lower_better else "right"
    axes.set_xlabel(f"paired difference ({better} of 0: better)")


def _grouped(runs: Sequence[FinetuneRun]) -> dict[str, dict[str, list[FinetuneRun]]]:
    """task -> variant -> runs, in the order given."""
    found: dict[str, dict[str, list[FinetuneRun]]] = {}
    for run in runs:
        found.setdefault(run.task, {}).setdefault(run.variant, []).append(run)
    return found


def checked_metric(task: str, metric: str, groups: Iterable[Sequence[FinetuneRun]]) -> str:
    """The metric, which all runs must have. Raises UserError."""
    available = set.intersection(*(set(run.metrics) for own in groups for run in own))
    if metric not in available:
        raise UserError(f"task {task!r} has no metric {metric!r}, {nearest(metric, available)}")
    return metric


def lower_is_better(task: TaskInTables) -> bool:
    """Whether the metric that is shown of a task is an error."""
    return kind_of(task.kind).lower_is_better(task.metric)


def _signed(value: float) -> str:
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text


def undecided(row: tuple) -> bool:
    """Whether a row shows no difference: the rule on p_holm and on the interval that `table` states."""
    return row.p_holm >= ALPHA or row.ci_low <= 0 <= row.ci_high


def _verdict(row: tuple, *, lower_better: bool) -> str:
    if undecided(row):
        return UNKNOWN
    return BETTER if (row.delta > 0) != lower_better else WORSE
