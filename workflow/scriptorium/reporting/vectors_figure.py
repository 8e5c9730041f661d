"""Figure of the vectors of texts: both languages before and after pre-training, some translations joined by lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scriptorium.reporting.style import COLOURS, INK, QUIET, plt, save, styled
from scriptorium.reporting.vectors import VectorsRun
from scriptorium.vectors.measures import MODEL, RANDOM, START

TITLES = {RANDOM: "random weights", START: "at the start", MODEL: "after pre-training"}
JOINED = 15  # translations that are joined


def draw(runs: Sequence[VectorsRun], path: Path) -> Path:
    """A row for each variant and set (its first run, its first two languages), a panel for each of TITLES there is.

    Each panel has a plane of its own, so places can be compared within a panel alone.
    """
    first: dict[tuple[str, str], VectorsRun] = {}
    for run in runs:
        first.setdefault((run.collection, run.variant), run)
    scorers = [name for name in TITLES if any(name in set(run.points["scorer"]) for run in first.values())]
    with styled():
        canvas, panels = plt.subplots(
            len(first),
            len(scorers),
            figsize=(3.5 * len(scorers), 2.9 * len(first)),
            layout="constrained",
            squeeze=False,
        )
        for row, run in zip(panels, first.values(), strict=True):
            own = run.points[run.points["languages"] == run.points["languages"].iloc[0]]
            for axes, scorer in zip(row, scorers, strict=True):
                axes.set_xticks([])
                axes.set_yticks([])
                points = own[own["scorer"] == scorer]
                if points.empty:
                    axes.set_axis_off()
                    continue
                _panel(axes, points)
                axes.set_title(f"{run.variant}: {TITLES[scorer]}", fontsize=9, color=INK)
                axes.set_xlabel(f"{points['share'].iloc[0]:.0%} of the variance", fontsize=7)
        return save(canvas, path)


def _panel(axes, points) -> None:
    sides = [side.set_index("pair") for _, side in points.groupby("language", sort=True)]
    for pair in sides[0].index[:JOINED]:
        ends = [side.loc[pair, ["x", "y"]] for side in sides]
        axes.plot(*zip(*ends, strict=True), color=QUIET, linewidth=0.6, zorder=1)
    for side, colour in zip(sides, COLOURS, strict=False):
        axes.scatter(side["x"], side["y"], s=7, color=colour, linewidths=0, label=side["language"].iloc[0], zorder=2)
    axes.legend(fontsize=7, loc="best", handletextpad=0.1)
