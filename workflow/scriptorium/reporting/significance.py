"""Figure and sentences of stage 0b: every candidate's effect on fixations, before and after length and frequency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from scriptorium.linguistics.candidates import CANDIDATES
from scriptorium.linguistics.features import FEATURES
from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE, save, styled

PANELS = (
    ("d", "selected_raw", "words with against without", "Cohen's d"),
    ("beta", "selected_adjusted", "with length, frequency and sentence held constant", "standard deviations of n_fix"),
)


def summary(made: pd.DataFrame, kept: pd.DataFrame) -> list[str]:
    """The outcome in plain sentences, with what length alone explains of the raw tests."""
    tested = made[made["p_welch"].notna()]
    raw, adjusted = tested[tested["selected_raw"]], tested[tested["selected_adjusted"]]
    lost = raw[~raw["selected_adjusted"]]
    lines = [
        f"{len(tested)} of {len(made)} candidates have enough words to be tested (the paper: 46, of which 14 are kept "
        "by a test that is not public)",
        f"raw: {len(raw)} selected; adjusted for length, frequency and sentence: {len(adjusted)} selected; "
        f"{len(lost)} of the raw ones are lost by the adjustment",
    ]
    if len(tested) > 2:
        agreement = tested["d"].rank().corr(tested["r_length"].rank())
        lines.append(
            f"rank correlation of a candidate's raw effect with its correlation with word length: {agreement:.2f}; "
            "the nearer to 1, the more the raw test finds word length again"
        )
    for row in made[made["p_welch"].notna() & made["p_mixed"].isna()].itertuples():
        lines.append(f"{row.candidate}: {row.reason}")
    by_answer = kept.groupby("kept", sort=False)["group"].agg(", ".join)
    lines += [f"groups kept, {answer}: {names}" for answer, names in by_answer.items()]
    return lines


def figure(made: pd.DataFrame, path: Path) -> Path:
    """Forest plot of two panels (raw, adjusted) with 95% intervals, candidates by group; untested ones are left out."""
    rows = made[made["p_welch"].notna()].copy()
    rows["place"] = [[*FEATURES, ""].index(group) for group in rows["group"]]
    rows = rows.sort_values("place", kind="stable").reset_index(drop=True)
    with styled():
        canvas, panels = plt.subplots(1, 2, figsize=(10.4, 1.6 + 0.23 * len(rows)), sharey=True, layout="constrained")
        for axes, (effect, selected, title, unit) in zip(panels, PANELS, strict=True):
            _effects(axes, rows, effect, selected)
            axes.set_title(title, fontweight="bold")
            axes.set_xlabel(f"{unit}, 95% interval")
        _groups(panels[0], panels[1], rows)
        canvas.suptitle(
            f"{len(rows)} of {len(made) or len(CANDIDATES)} candidates; coloured: significant after Holm's correction",
            x=0.01,
            ha="left",
            fontsize=10,
        )
        return save(canvas, path)


def _effects(axes: plt.Axes, rows: pd.DataFrame, effect: str, selected: str) -> None:
    axes.axvline(0, color=INK, linewidth=1)
    for place, row in rows.iterrows():
        if np.isnan(row[effect]):
            axes.text(0, place, " no estimate", va="center", fontsize=7, color=QUIET)
            continue
        colour = QUIET if not row[selected] else COLOURS[1] if row[effect] < 0 else COLOURS[0]
        axes.plot([row[f"{effect}_low"], row[f"{effect}_high"]], [place, place], color=colour, linewidth=1.8)
        axes.plot(row[effect], place, "o" if row["kind"] == "binary" else "D", color=colour, markersize=4.5)
    axes.tick_params(axis="y", length=0)


def _groups(left: plt.Axes, right: plt.Axes, rows: pd.DataFrame) -> None:
    """Names at the left, groups at the right, a rule where a group ends."""
    left.set_yticks(range(len(rows)), rows["candidate"], fontsize=8)
    left.set_ylim(len(rows) - 0.4, -0.6)
    starts = np.flatnonzero(rows["group"].ne(rows["group"].shift()).to_numpy())
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        name = rows["group"][start].replace("_", " ") or "no group"
        right.text(
            1.01, (start + end - 1) / 2, name, transform=right.get_yaxis_transform(), va="center", fontsize=8, color=INK
        )
        for axes in (left, right):
            if start:
                axes.axhline(start - 0.5, color=RULE, linewidth=0.8, zorder=0)
