"""The claims table: what papers say, what we measure, and one verdict for each claim and task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from scriptorium.evaluation.statistics import holm
from scriptorium.reporting.claimed import Found, Subject
from scriptorium.reporting.finetuning import ACTED, columns_of
from scriptorium.reporting.spec import ClaimRow
from scriptorium.reporting.style import COLOURS, INK, QUIET, save, styled
from scriptorium.reporting.verdicts import ALPHA, NOT_TESTED, ONE_SEED, seeds_needed, undecided

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


def measured(claims: Sequence[ClaimRow], subjects: Mapping[str, Subject]) -> dict[int, Found]:
    """Number of a claim -> what was measured, for those whose two variants were run.

    subjects: by the stage whose runs a claim compares. Raises what the comparisons raise (reporting/claimed.py).
    """
    found = {number: subjects[claim.of].measured(claim) for number, claim in enumerate(claims) if claim.task}
    return {number: each for number, each in found.items() if each}


def table_of_claims(claims: Sequence[ClaimRow], found: Mapping[int, Found], *, smallest: float) -> pd.DataFrame:
    """One row per claim and task (COLUMNS), in the order given.

    ours_* are means over the seeds that each variant has, delta is a - b in the metric's own unit, p_holm is
    corrected over all tested claims of the same paper. smallest: effect of interest, of a metric between 0 and 1.
    """
    rows = []
    for number, claim in enumerate(claims):
        row = {name: getattr(claim, name) for name in COLUMNS[:7]} | {"seeds": 0, "scale": "", "verdict": NOT_RUN}
        if each := found.get(number):
            row |= {"metric": each.metric, "ours_a": each.a, "ours_b": each.b}
            row |= {"seeds": each.difference.seeds, **columns_of(each.difference)}
        rows.append(row)
    made = pd.DataFrame(rows).reindex(columns=[*COLUMNS, "p"])
    numbers = [*COLUMNS[5:13], "p", *ACTED]
    made[numbers] = made[numbers].astype(float)
    family = made.groupby("paper")["p"].transform("count")
    for _, own in made.groupby("paper"):
        made.loc[own.index, "p_holm"] = holm(own["p"].tolist())
    for place, each in found.items():
        row, lower = made.loc[place], each.lower_better
        decided = not undecided(row["p_holm"], row["ci_low"], row["ci_high"])
        made.loc[place, "verdict"] = verdict(
            row["ci_low"],
            row["ci_high"],
            row["p_holm"],
            row["seeds"],
            smallest * each.unit,
            acted=each.difference.manipulation.acted(decided=decided),
            lower_better=lower,
        )
        made.loc[place, "seeds_needed"] = seeds_needed(
            each.difference.comparison,
            row["p_holm"],
            family[place],
            smallest=smallest * each.unit,
            lower_better=lower,
        )
    return made[list(COLUMNS)]


def figure(made: pd.DataFrame, found: Mapping[int, Found], path: Path) -> Path:
    """Forest plot of the differences that were measured, a claim and task per line; right of 0 is as claimed.

    Each metric has a panel with an axis of its own, in its own unit: a point of accuracy is not a point of perplexity.
    """
    rows = made.loc[sorted(found)].copy()
    numbers = ["delta", "ci_low", "ci_high"]
    rows[numbers] = rows[numbers].mul([-1 if found[place].lower_better else 1 for place in rows.index], axis=0)
    panels = list(rows.groupby(rows["metric"].astype(str).str.split(",").str[0], sort=False))
    heights = [max(len(own), 2) + 1.5 for _, own in panels] or [2]
    with styled():
        canvas, (*axes,) = plt.subplots(
            len(heights),
            figsize=(9.2, 1.0 + 0.32 * sum(heights)),
            layout="constrained",
            gridspec_kw={"height_ratios": heights},
            squeeze=False,
        )
        for (metric, own), (panel,) in zip(panels, axes, strict=False):
            _panel(panel, own.reset_index(drop=True), metric)
        if rows.empty:
            axes[0][0].text(0.5, 0.5, "no claim was run", transform=axes[0][0].transAxes, ha="center", color=QUIET)
        canvas.suptitle(f"{len(rows)} of {len(made)} claims and tasks were run", fontsize=11)
        canvas.supxlabel(
            "difference of a to b, 95% interval over new seeds and examples (right of 0: as claimed)", fontsize=9
        )
        return save(canvas, path)


def _panel(axes: Axes, rows: pd.DataFrame, metric: str) -> None:
    """The claims on one metric."""
    axes.axvline(0, color=INK, linewidth=1)
    for place, row in rows.iterrows():
        colour = COLOUR[row["verdict"]]
        axes.plot([row["ci_low"], row["ci_high"]], [place, place], color=colour, linewidth=2.2)
        axes.plot(row["delta"], place, "o", color=colour, markersize=6)
        axes.text(
            1.01,
            place,
            f"{row['verdict']} ({row['scale']})",
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
            color=colour,
        )
    reach = np.nanmax(np.abs(rows[["delta", "ci_low", "ci_high"]].to_numpy(float)), initial=1e-9) * 1.15
    axes.set_xlim(-reach, reach)
    axes.set_yticks(range(len(rows)), rows["claim"], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_title(metric, fontsize=9, loc="left")
