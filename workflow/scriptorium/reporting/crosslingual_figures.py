"""Figures of the zero-shot cross-lingual measures: all variants side by side, and one pair word by word."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.crosslingual.alignment import STATES
from scriptorium.reporting.crosslingual import ALIGNMENT, ALL, GAIN, MATCHING, OVER_OTHERS
from scriptorium.reporting.style import COLOURS, INK, QUIET, colour_of, marker_of, plt, save, styled

TITLES = {
    GAIN: "what the translation tells\n(nats per hidden piece)",
    OVER_OTHERS: "more than another text tells\n(nats per hidden piece)",
    MATCHING: "finds the translation\n(share of texts)",
    ALIGNMENT: "finds the word\n(share of dictionary links)",
}


def measures(made: pd.DataFrame, path: Path) -> Path:
    """A panel per measure, a point with its interval per variant and way to read; a line: what is known without."""
    own = made[(made["text"] == ALL) & (made["words"] == ALL)]
    with styled():
        height = 1.3 + 0.28 * max(len(own[own["measure"] == name]) for name in TITLES)
        canvas, panels = plt.subplots(1, len(TITLES), figsize=(13, height), layout="constrained")
        for axes, (measure, title) in zip(panels, TITLES.items(), strict=True):
            rows = own[own["measure"] == measure].reset_index(drop=True)
            places = np.arange(len(rows))[::-1]
            for place, row in zip(places, rows.itertuples(), strict=True):
                number = list(dict.fromkeys(rows["variant"])).index(row.variant)
                colour = colour_of(number)
                axes.plot([row.ci_low, row.ci_high], [place, place], color=colour, linewidth=1.6)
                axes.plot(row.value, place, marker_of(number), color=colour, markersize=4.5)
                axes.plot(row.control, place, "|", color=QUIET, markersize=9)
            if measure in (GAIN, OVER_OTHERS):
                axes.axvline(0, color=QUIET, linewidth=0.8)
            axes.set_yticks(places, [f"{row.variant}, {row.reads}" for row in rows.itertuples()], fontsize=7)
            axes.set_title(title, fontsize=9)
            axes.tick_params(axis="x", labelsize=7)
        return save(canvas, path)


def example(folders: Sequence[Path], made: pd.DataFrame, path: Path) -> Path:
    """One held-out pair: which words each variant links, from the layer that the table reports; rings: the dictionary.

    folders: results/crosslingual/<variant>/seed<k>, one for each variant.
    """
    with styled():
        canvas, panels = plt.subplots(
            1, len(folders), figsize=(3.6 * len(folders), 3.9), layout="constrained", squeeze=False
        )
        for axes, folder in zip(panels[0], folders, strict=True):
            told, variant = json.loads((folder / "example.json").read_text(encoding="utf-8")), folder.parent.name
            rows = made[(made["variant"] == variant) & (made["measure"] == ALIGNMENT) & (made["text"] == ALL)]
            best = rows.loc[rows["value"].idxmax()]
            scores = np.array(told["scores"][f"{best.reads}/{best.layer}"])
            axes.imshow(scores, cmap="Greys", aspect="auto", vmin=scores.min(), vmax=scores.max())
            for row, columns in told["links"]:
                axes.scatter(
                    columns, [row] * len(columns), s=90, facecolors="none", edgecolors=COLOURS[1], linewidth=1.4
                )
            own, other = told["words"]
            axes.set_xticks(range(len(other)), other, rotation=60, ha="right", fontsize=7)
            axes.set_yticks(range(len(own)), own, fontsize=7)
            what = "states" if best.reads == STATES else "cross-attention"
            axes.set_title(f"{variant}: {what}, layer {best.layer}", fontsize=8, color=INK)
        return save(canvas, path)
