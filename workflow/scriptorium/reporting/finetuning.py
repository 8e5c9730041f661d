"""Table and figure of a fine-tuning study: every variant against the baseline, on the same test examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.errors import UserError, nearest
from scriptorium.evaluation.statistics import holm, mean_sd
from scriptorium.reporting import protocols
from scriptorium.reporting.differences import Difference, FinetuneRun, difference, read
from scriptorium.reporting.spec import Protocol, TaskInTables
from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE, save, styled
from scriptorium.reporting.verdicts import (
    BASELINE,
    BETTER,
    NOT_TESTED,
    ONE_SEED,
    UNKNOWN,
    WORSE,
    scale,
    seeds_needed,
    verdict,
)
from scriptorium.tasks.kind import kind_of

__all__ = ["FinetuneRun", "difference", "figure", "read", "sentence", "table_of_variants"]

LEAST_SPAN = 0.04  # of an axis: a smaller one would make nothing look like something
ACTED = ("changed", "changed_seeds", "logit_shift", "seeds_needed")  # behind the others


def table_of_variants(
    runs: Sequence[FinetuneRun], baseline: str, *, tasks: Mapping[str, TaskInTables], protocol: Protocol = "ours"
) -> pd.DataFrame:
    """One row per task and variant, the baseline first in each task.

    delta is variant minus baseline; the interval and p come from evaluation/statistics.py and speak of new seeds and
    new examples; p_holm is corrected over all rows of the study. A verdict of better or worse needs both p_holm < 0.05
    and an interval without 0; a variant that hardly differs from the baseline is not tested (reporting/manipulation.py,
    whose three numbers stand behind); one seed gives no p and no verdict. These rules are ours. Under protocol `paper`
    the median over seeds stands beside the mean, and last how the weights were chosen.

    Raises UserError: baseline missing for a task, different test examples, unknown metric.
    """
    rows, found = [], {}
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
            of_protocol = protocols.columns_of(variants[name], metric) if protocol == "paper" else {}
            row = {
                "variant": name,
                "task": task,
                "metric": metric,
                "seeds": len(variants[name]),
                "mean": mean,
                "sd": sd,
                **({"median": of_protocol["median"]} if of_protocol else {}),
                "baseline_mean": base_mean,
                "delta": np.nan,
                "ci_low": np.nan,
                "ci_high": np.nan,
                "p": np.nan,
                "p_holm": np.nan,
                "verdict": BASELINE,
                "scale": scale(len(variants[name])),
                **dict.fromkeys(ACTED, np.nan),
                **({"chosen": of_protocol["chosen"]} if of_protocol else {}),
            }
            if name != baseline:
                made = found[len(rows)] = difference(variants[name], variants[baseline], tasks[task], metric)
                row |= columns_of(made) | {"verdict": UNKNOWN}
            rows.append(row)
    made = pd.DataFrame(rows)
    made["p_holm"] = holm(made["p"].tolist())
    family = int(made["p"].notna().sum())
    for place, each in found.items():
        p, lower = made.loc[place, "p_holm"], lower_is_better(tasks[made.loc[place, "task"]])
        made.loc[place, "verdict"] = verdict(each.comparison, p, each.manipulation, each.seeds, lower_better=lower)
        made.loc[place, "seeds_needed"] = seeds_needed(each.comparison, p, family, smallest=0.0, lower_better=lower)
    return made


def columns_of(found: Difference) -> dict[str, object]:
    """What every table of comparisons says of one."""
    comparison, acted = found.comparison, found.manipulation
    return {
        "delta": comparison.difference,
        "ci_low": comparison.low,
        "ci_high": comparison.high,
        "p": comparison.p,
        "scale": scale(found.seeds),
        "changed": acted.changed,
        "changed_seeds": acted.changed_seeds,
        "logit_shift": acted.logit_shift,
        "seeds_needed": comparison.seeds_needed,
    }


def sentence(row: tuple) -> str:
    """One row of the table in plain words."""
    chosen = f"; {row.chosen}, median {row.median:.3f}" if hasattr(row, "chosen") else ""
    if row.verdict == BASELINE:
        return f"{row.task}: baseline {row.variant} reaches {row.metric} {row.mean:.3f} ({row.scale}){chosen}"
    p = "" if np.isnan(row.p_holm) else f", p after Holm {row.p_holm:.3f}"
    return (
        f"{row.task}: {row.variant} {row.mean:.3f}, {_signed(row.delta)} against the baseline "
        f"[{_signed(row.ci_low)}, {_signed(row.ci_high)}]{p}: {row.verdict} ({row.scale}); "
        f"{row.changed:.1%} of the predictions differ{chosen}"
    )


def figure(runs: Sequence[FinetuneRun], made: pd.DataFrame, tasks: Mapping[str, TaskInTables], path: Path) -> Path:
    """Per task a row of two panels: scores (dot = seed, bar = mean) and the difference with its interval."""
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
    colours = {BETTER: COLOURS[2], WORSE: COLOURS[1], UNKNOWN: COLOURS[0], NOT_TESTED: QUIET, ONE_SEED: QUIET}
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
    axes.set_xlabel(f"difference of the means over seeds ({better} of 0: better)")


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
