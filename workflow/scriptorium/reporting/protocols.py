"""What a table says of the protocol `paper` beside the means, and the two protocols beside one another (all ours)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from scriptorium.reporting.differences import FinetuneRun, difference
from scriptorium.reporting.spec import TaskInTables
from scriptorium.tasks.protocols import without_protocol

LAST = "last epoch"
ON_VALIDATION = "best epoch, chosen on validation"
ON_REPORTED = "best epoch, chosen on the reported set"


def chosen_on(runs: Sequence[FinetuneRun]) -> str:
    """Which weights the runs of a variant on a task count with, in words."""
    reported = [run.metrics.get("best/reported") for run in runs]
    if None in reported:
        return LAST
    return ON_REPORTED if any(reported) else ON_VALIDATION


def columns_of(runs: Sequence[FinetuneRun], metric: str) -> dict[str, object]:
    """Of one variant on one task: median over the seeds, and how the weights were chosen."""
    return {"median": float(np.median([run.metrics[metric] for run in runs])), "chosen": chosen_on(runs)}


def table_of_protocols(
    ours: Sequence[FinetuneRun], paper: Sequence[FinetuneRun], tasks: Mapping[str, TaskInTables]
) -> pd.DataFrame:
    """One row per task and variant: the same variant under both protocols, on the same examples.

    tasks: as they are called under protocol ours. delta is paper minus ours; interval and p are those of every
    comparison (evaluation/statistics.py). It is no gain of the model: under `paper` there is more text to train on, and
    the weights may be chosen on what is reported, which makes the number too high.
    """
    beside: dict[tuple[str, str], list[FinetuneRun]] = {}
    for run in ours:
        beside.setdefault((run.task, run.variant), []).append(run)
    groups: dict[tuple[str, str], list[FinetuneRun]] = {}
    for run in paper:
        groups.setdefault((without_protocol(run.task), run.variant), []).append(run)
    rows = []
    for (task, variant), own in groups.items():
        base, metric = beside[task, variant], tasks[task].metric
        found = difference(own, base, tasks[task], metric).comparison
        rows.append(
            {
                "task": task,
                "variant": variant,
                "metric": metric,
                "seeds": min(len(own), len(base)),
                "ours_mean": float(np.mean([run.metrics[metric] for run in base])),
                "ours_chosen": chosen_on(base),
                "paper_mean": float(np.mean([run.metrics[metric] for run in own])),
                "paper_median": columns_of(own, metric)["median"],
                "paper_chosen": chosen_on(own),
                "delta": found.difference,
                "ci_low": found.low,
                "ci_high": found.high,
                "p": found.p,
            }
        )
    return pd.DataFrame(rows)
