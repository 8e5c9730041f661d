"""The claims table: what papers say, what we measure, and one verdict for each claim and task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.evaluation.statistics import holm
from scriptorium.reporting.finetuning import ACTED, Difference, FinetuneRun, checked_metric, columns_of, difference
from scriptorium.reporting.spec import ClaimRow, TaskInTables
from scriptorium.reporting.style import COLOURS, INK, QUIET, save, styled
from scriptorium.reporting.verdicts import ALPHA, NOT_TESTED, ONE_SEED, seeds_needed, undecided
from scriptorium.tasks.kind import kind_of

COLUMNS = (
    "claim",
    "paper",
    "metric",
    "a",
    "b",
    "published_a",
    "published_b",
    "ours_a",
    "ours_b",
    "delta",
    "ci_low",
    "ci_high",
    "p_holm",
    "seeds",
    "scale",
    "verdict",
    *ACTED,
)
REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"
INCONCLUSIVE, NOT_RUN = "inconclusive at this scale", "not run"
COLOUR = {
    REPRODUCED: COLOURS[2],
    NOT_REPRODUCED: COLOURS[1],
    INCONCLUSIVE: COLOURS[0],
    NOT_TESTED: QUIET,
    ONE_SEED: QUIET,
}


def verdict(
    low: float,
    high: float,
    p_holm: float,
    seeds: int,
    smallest: float,
    *,
    acted: bool = True,
    lower_better: bool = False,
) -> str:
    """The verdict on "a is better than b" from the 95% interval of a - b (the rule is ours).

    Not tested: the intervention did not act (reporting/manipulation.py). With one seed there is no verdict.
    Reproduced: the interval leaves out 0 in the claimed direction and p_holm < 0.05. Not reproduced: else, if the
    interval ends below the smallest effect of interest, as it does on the other side of 0. Else inconclusive. There is
    no least number of seeds beside two: the interval itself is as wide as few seeds make it.
    """
    if not acted:
        return NOT_TESTED
    if seeds < 2:
        return ONE_SEED
    if lower_better:
        low, high = -high, -low
    if low > 0 and p_holm < ALPHA:
        return REPRODUCED
    return NOT_REPRODUCED if high < smallest else INCONCLUSIVE


def table_of_claims(
    claims: Sequence[ClaimRow],
    runs: Sequence[FinetuneRun],
    tasks: Mapping[str, TaskInTables],
    *,
    smallest: float,
) -> pd.DataFrame:
    """One row per claim and task (COLUMNS), in the order given.

    ours_* are means over the seeds that each variant has, delta is a - b in the metric's own unit, p_holm is
    corrected over all tested claims of the same paper. Raises what reporting/differences.py raises.
    """
    by_name: dict[tuple[str, str], list[FinetuneRun]] = {}
    for run in runs:
        by_name.setdefault((run.variant, run.task), []).append(run)
    compared: dict[tuple[str, str, str, str], Difference] = {}  # several claims may ask for the same comparison
    rows, found = [], {}
    for claim in claims:
        a, b = by_name.get((claim.a, claim.task), []), by_name.get((claim.b, claim.task), [])
        row = {name: getattr(claim, name) for name in COLUMNS[:7]} | {"seeds": 0, "scale": "", "verdict": NOT_RUN}
        if a and b:
            metric = checked_metric(claim.task, claim.metric, (a, b))
            key = (claim.a, claim.b, claim.task, metric)
            if key not in compared:
                compared[key] = difference(a, b, tasks[claim.task], metric, smallest=smallest)
            found[len(rows)] = compared[key]
            row |= {"metric": metric, "ours_a": _mean(a, metric), "ours_b": _mean(b, metric)}
            row |= {"seeds": compared[key].seeds, **columns_of(compared[key])}
        rows.append(row)
    made = pd.DataFrame(rows).reindex(columns=[*COLUMNS, "p"])
    numbers = [*COLUMNS[5:13], "p", *ACTED]
    made[numbers] = made[numbers].astype(float)
    family = made.groupby("paper")["p"].transform("count")
    for _, own in made.groupby("paper"):
        made.loc[own.index, "p_holm"] = holm(own["p"].tolist())
    for place, each in found.items():
        row = made.loc[place]
        lower = _lower_is_better(row, tasks)
        decided = not undecided(row["p_holm"], row["ci_low"], row["ci_high"])
        made.loc[place, "verdict"] = verdict(
            row["ci_low"],
            row["ci_high"],
            row["p_holm"],
            row["seeds"],
            smallest,
            acted=each.manipulation.acted(decided=decided),
            lower_better=lower,
        )
        made.loc[place, "seeds_needed"] = seeds_needed(
            each.comparison, row["p_holm"], family[place], smallest=smallest, lower_better=lower
        )
    return made[list(COLUMNS)]


def figure(made: pd.DataFrame, tasks: Mapping[str, TaskInTables], path: Path) -> Path:
    """Forest plot of the differences that were measured, a claim and task per line; right of 0 is as claimed."""
    rows = made[made["delta"].notna()].reset_index(drop=True)
    with styled():
        canvas, axes = plt.subplots(figsize=(9.2, 1.4 + 0.32 * max(len(rows), 2)), layout="constrained")
        axes.axvline(0, color=INK, linewidth=1)
        for place, row in rows.iterrows():
            sign = -1 if _lower_is_better(row, tasks) else 1
            colour = COLOUR[row["verdict"]]
            ends = sorted((sign * row["ci_low"], sign * row["ci_high"]))
            axes.plot(ends, [place, place], color=colour, linewidth=2.2)
            axes.plot(sign * row["delta"], place, "o", color=colour, markersize=6)
            axes.text(
                1.01,
                place,
                f"{row['verdict']} ({row['scale']})",
                transform=axes.get_yaxis_transform(),
                va="center",
                fontsize=8,
                color=colour,
            )
        if rows.empty:
            axes.text(0.5, 0.5, "no claim was run", transform=axes.transAxes, ha="center", color=QUIET)
        reach = np.nanmax(np.abs(rows[["delta", "ci_low", "ci_high"]].to_numpy(float)), initial=0.01) * 1.15
        axes.set_xlim(-reach, reach)
        axes.set_yticks(range(len(rows)), rows["claim"], fontsize=8)
        axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("difference of a to b, 95% interval over new seeds and examples (right of 0: as claimed)")
        axes.set_title(f"{len(rows)} of {len(made)} claims and tasks were run")
        return save(canvas, path)


def _lower_is_better(row: pd.Series, tasks: Mapping[str, TaskInTables]) -> bool:
    """Whether the metric of a row is an error; its claim is <name>/<task>."""
    return kind_of(tasks[row["claim"].partition("/")[2]].kind).lower_is_better(row["metric"])


def _mean(runs: Sequence[FinetuneRun], metric: str) -> float:
    return float(np.mean([run.metrics[metric] for run in runs]))
