"""The boundary sweep (docs/papers/cogbert.md section 8.1, the paper's figure 4): the test metric over the number of
layers with word-level features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.evaluation.statistics import mean_sd
from scriptorium.reporting.differences import FinetuneRun
from scriptorium.reporting.finetuning import checked_metric
from scriptorium.reporting.style import COLOURS, QUIET, save, styled


def boundary_of(manifest: Path) -> int | None:
    """The boundary that a run was trained with, from its journal; None for the plain encoder."""
    record = ledger.read_record(manifest.parent)
    if not record:
        raise UserError("this run has no journal", where=manifest.parent, remedy="delete it and run snakemake again")
    cognition = record["spec"].get("cognition")
    return None if cognition is None else cognition["boundary"]


def boundary_table(runs: Sequence[tuple[FinetuneRun, int | None]], metrics: Mapping[str, str]) -> pd.DataFrame:
    """One row per task and boundary (empty: the plain encoder): task, metric, boundary, seeds, mean, sd, best.

    best marks the boundary with the highest mean; with few seeds that is mostly chance, which is why sd stands beside.
    """
    rows = []
    for task in dict.fromkeys(run.task for run, _ in runs):
        own = [(run, boundary) for run, boundary in runs if run.task == task]
        metric = checked_metric(task, metrics[task], [[run for run, _ in own]])
        for boundary in sorted({b for _, b in own}, key=lambda b: -1 if b is None else b):
            values = [run.metrics[metric] for run, b in own if b == boundary]
            mean, sd = mean_sd(values)
            rows.append(
                {"task": task, "metric": metric, "boundary": boundary, "seeds": len(values), "mean": mean, "sd": sd}
            )
    made = pd.DataFrame(rows).astype({"boundary": "Int64"})
    swept = made[made["boundary"].notna()]
    made["best"] = made.index.isin(swept.groupby("task")["mean"].idxmax())
    return made


def figure(made: pd.DataFrame, path: Path) -> Path:
    """Per task a curve over boundaries with one standard deviation, and the plain encoder as a line."""
    tasks = list(dict.fromkeys(made["task"]))
    with styled():
        canvas, panels = plt.subplots(
            1, len(tasks), figsize=(1.2 + 3.4 * len(tasks), 3.2), squeeze=False, layout="constrained"
        )
        for axes, task in zip(panels[0], tasks, strict=True):
            rows = made[made["task"] == task]
            plain, swept = rows[rows["boundary"].isna()], rows[rows["boundary"].notna()]
            where = swept["boundary"].to_numpy(int)
            axes.errorbar(
                where,
                swept["mean"],
                yerr=swept["sd"].fillna(0),
                color=COLOURS[0],
                marker="o",
                capsize=3,
                label="CogBERT: mean, 1 sd",
            )
            for value, spread in zip(plain["mean"], plain["sd"].fillna(0), strict=True):
                axes.axhline(value, color=QUIET, linestyle="--", label="plain encoder: mean, 1 sd")
                axes.axhspan(value - spread, value + spread, color=QUIET, alpha=0.15, linewidth=0)
            axes.set_title(task, fontweight="bold")
            axes.set_xticks(np.unique(where))
            axes.set_xlabel("layers with word-level features")
            axes.set_ylabel(rows["metric"].iloc[0].replace("/", " "))
        panels[0][0].legend(fontsize=8)
        return save(canvas, path)
