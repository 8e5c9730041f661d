"""How far fusion acts, by its dose: validation predictions beside the plain encoder's of the same seed.

Test data are not looked at, so that a dose can be chosen by this table (docs/cogbert.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium import ledger
from scriptorium.errors import UserError
from scriptorium.reporting.manipulation import LEAST_CHANGED
from scriptorium.reporting.spec import TaskInTables
from scriptorium.reporting.style import COLOURS, QUIET, save, styled
from scriptorium.tasks.kind import TaskKind, kind_of


@dataclass(frozen=True)
class DoseRun:
    """One run: cognition as in its specification (None: plain), validation predictions by id, metrics, fused norms."""

    variant: str
    task: str
    seed: int
    cognition: Mapping[str, Any] | None
    predictions: pd.DataFrame
    metrics: Mapping[str, float]
    norms: Mapping[int, float]


def read(manifest: Path) -> DoseRun:
    """The run in results/finetune/<variant>/<task>/seed<k>/. Raises UserError where its journal is lost."""
    directory = manifest.parent
    record = ledger.read_record(directory)
    if not record:
        raise UserError("this run has no journal", where=directory, remedy="delete it and run snakemake again")
    weights, norms = directory / "feature_weights.tsv", {}
    if weights.is_file():
        norms = pd.read_csv(weights, sep="\t").groupby("layer")["fused_norm"].first().to_dict()
    return DoseRun(
        directory.parent.parent.name,
        directory.parent.name,
        int(directory.name.removeprefix("seed")),
        record["spec"].get("cognition"),
        pd.read_parquet(directory / "validation.parquet").set_index("id"),
        json.loads((directory / "metrics.json").read_text(encoding="utf-8")),
        norms,
    )


def changed(kind: TaskKind, a: pd.DataFrame, b: pd.DataFrame) -> float:
    """Share of predictions that differ, as the kind of task counts them. Raises UserError for other examples."""
    if not a.index.equals(b.index):
        raise UserError("two runs have different validation examples", remedy="run snakemake for both again")
    return float(np.mean(kind.changed(a, b)))


def dose_table(runs: Sequence[DoseRun], baseline: str, tasks: Mapping[str, TaskInTables]) -> pd.DataFrame:
    """One row per task and variant, in the order of the runs.

    task, variant, mode, gain, rate, seeds; changed: share of validation predictions unlike the plain encoder's of the
    same seed; between_seeds: the share unlike between two seeds of the plain encoder; acts: changed is at least
    1 % and more than between_seeds; metric, value, delta to the plain encoder; fused_norm_<layer>: as
    cognition/weights.py has it.
    All are means over seeds. Raises UserError where the baseline lacks a seed.
    """
    depth, rows = max((layer for run in runs for layer in run.norms), default=0), []
    for task in dict.fromkeys(run.task for run in runs):
        plain = {run.seed: run for run in runs if (run.task, run.variant) == (task, baseline)}
        kind = kind_of(tasks[task].kind)
        pairs = [changed(kind, a.predictions, b.predictions) for a, b in combinations(plain.values(), 2)]
        metric, between = tasks[task].metric, np.mean(pairs) if pairs else np.nan
        for variant in dict.fromkeys(run.variant for run in runs if run.task == task):
            own = [run for run in runs if (run.task, run.variant) == (task, variant)]
            if lost := [run.seed for run in own if run.seed not in plain]:
                raise UserError(
                    f"{baseline} on {task} has no seed {lost[0]}, but {variant} has",
                    remedy="give every variant of the study the same seeds",
                )
            cognition = own[0].cognition or {}
            dose = cognition.get("dose") or {}
            share = np.mean([changed(kind, run.predictions, plain[run.seed].predictions) for run in own])
            value = np.mean([run.metrics[metric] for run in own])
            row = {
                "task": task,
                "variant": variant,
                "mode": cognition.get("mode", ""),
                "gain": dose.get("gain"),
                "rate": dose.get("rate"),
                "seeds": len(own),
                "changed": share,
                "between_seeds": between,
                "acts": bool(share >= LEAST_CHANGED and not share <= between),
                "metric": metric,
                "value": value,
                "delta": value - np.mean([plain[run.seed].metrics[metric] for run in own]),
            }
            for layer in range(1, depth + 1):
                row[f"fused_norm_{layer}"] = np.mean([run.norms.get(layer, np.nan) for run in own])
            rows.append(row)
    return pd.DataFrame(rows)


def figure(made: pd.DataFrame, path: Path) -> Path:
    """For each task: predictions that change, in per cent, and the difference of the validation metric, by variant."""
    tasks = list(dict.fromkeys(made["task"]))
    with styled():
        size = (10, 1 + 0.28 * len(made) + 0.6 * len(tasks))
        canvas, panels = plt.subplots(len(tasks), 2, figsize=size, squeeze=False, layout="constrained")
        for (left, right), task in zip(panels, tasks, strict=True):
            rows = made[(made["task"] == task) & (made["mode"] != "")].iloc[::-1]
            left.barh(rows["variant"], 100 * rows["changed"], color=COLOURS[0])
            left.axvline(100 * LEAST_CHANGED, color=QUIET, linestyle="--")
            left.set_title(f"{task}: predictions changed, %", fontweight="bold")
            right.barh(rows["variant"], rows["delta"], color=COLOURS[1])
            right.axvline(0, color=QUIET)
            right.set_yticks([])
            metric = made.loc[made["task"] == task, "metric"].iloc[0].replace("/", " ")
            right.set_title(f"{metric}, minus plain", fontweight="bold")
        return save(canvas, path)
