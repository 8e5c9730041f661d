"""The eye-tracking table: fine-tuned encoders beside what needs no encoder, on the same words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.evaluation.statistics import mean_sd
from scriptorium.reporting.differences import FinetuneRun
from scriptorium.reporting.style import COLOURS, INK, QUIET, save, styled

# of data/<task>/baselines.json, in the words of the table
BASELINES = {"mean": "mean of train", "median": "median of train", "word_length": "word length alone"}


def baselines(task: str, path: Path) -> list[dict[str, object]]:
    """Rows of baselines.json, whose keys are <baseline>/<metric>."""
    values = json.loads(path.read_text(encoding="utf-8"))
    rows = []
    for name in dict.fromkeys(key.split("/")[0] for key in values):
        own = {key.split("/", 1)[1]: value for key, value in values.items() if key.split("/")[0] == name}
        rows.append({"task": task, "model": BASELINES.get(name, name), "baseline": True, "seeds": 0, **own})
    return rows


def eye_tracking_table(runs: Sequence[FinetuneRun], measured: Sequence[dict[str, object]]) -> pd.DataFrame:
    """One row per task and model: task, model, baseline, seeds, accuracy (100 - MAE on scales of 0 to 100, as in
    Hollenstein et al. 2021), accuracy_sd, mae and mae_<measure>."""
    rows = list(measured)
    for task, variant in dict.fromkeys((run.task, run.variant) for run in runs):
        own = [run.metrics for run in runs if (run.task, run.variant) == (task, variant)]
        row = {"task": task, "model": variant, "baseline": False, "seeds": len(own)}
        for name in own[0]:
            if name.startswith("test/"):
                row[name.removeprefix("test/")] = mean_sd([metrics[name] for metrics in own])[0]
        row["accuracy_sd"] = mean_sd([metrics["test/accuracy"] for metrics in own])[1]
        rows.append(row)
    made = pd.DataFrame(rows)
    first = ["task", "model", "baseline", "seeds", "accuracy", "accuracy_sd", "mae"]
    errors = [name for name in made if name.startswith("mae_")]
    return made.reindex(columns=[*first, *errors]).sort_values("task", kind="stable", ignore_index=True)


def figure(made: pd.DataFrame, path: Path) -> Path:
    """Per task a bar of 100 - MAE for each model, baselines in grey; the axis does not begin at 0, and says so."""
    tasks = list(dict.fromkeys(made["task"]))
    most = int(made.groupby("task").size().max())
    with styled():
        canvas, panels = plt.subplots(
            1, len(tasks), figsize=(1.5 + 4.2 * len(tasks), 1.1 + 0.42 * most), squeeze=False, layout="constrained"
        )
        for axes, task in zip(panels[0], tasks, strict=True):
            rows = made[made["task"] == task].reset_index(drop=True)
            low = rows["accuracy"].min() - 1.5
            colours = [QUIET if row.baseline else COLOURS[0] for row in rows.itertuples()]
            axes.barh(rows.index, rows["accuracy"] - low, left=low, color=colours, height=0.62)
            axes.errorbar(rows["accuracy"], rows.index, xerr=rows["accuracy_sd"].fillna(0), fmt="none", color=INK)
            for place, value in rows["accuracy"].items():
                axes.text(value, place, f" {value:.2f}", va="center", fontsize=9)
            axes.set_xlim(low, rows["accuracy"].max() + 1.5)
            axes.set_yticks(rows.index, rows["model"])
            axes.invert_yaxis()
            axes.set_title(task, fontweight="bold")
            axes.set_xlabel(f"100 - MAE (axis begins at {low:.0f})")
        return save(canvas, path)
