"""Figure of minimal pairs: accuracy by phenomenon, with the controls and what was published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.reporting.style import INK, QUIET, RULE, colour_of, marker_of, plt, save, styled

MARKERS = {"random": ("x", "random weights"), "unigram": ("|", "unigram frequencies")}


def figure(phenomena: pd.DataFrame, path: Path) -> Path:
    """A row per set and phenomenon, a dot with its 95 % interval per variant; the controls are the first variant's.

    phenomena: the table of minimal_pairs.phenomena.
    """
    whole = phenomena[phenomena["paradigm"] == ""]
    places = {key: number for number, key in enumerate(dict.fromkeys(zip(whole["data"], whole["phenomenon"])))}  # noqa: B905
    variants = list(dict.fromkeys(whole["variant"]))
    with styled():
        height = 1.6 + len(places) * max(0.32, 0.13 * len(variants))
        canvas, axes = plt.subplots(figsize=(8, height), layout="constrained")
        axes.axvline(0.5, color=RULE, linewidth=1, zorder=0)
        for number, variant in enumerate(variants):
            own = whole[whole["variant"] == variant]
            rows = _rows(own, places) + (number - (len(variants) - 1) / 2) * 0.7 / len(variants)
            low, high = own["accuracy"] - own["ci_low"], own["ci_high"] - own["accuracy"]
            spread = np.nan_to_num(np.stack([low, high]).clip(min=0))
            style = {"fmt": marker_of(number), "markersize": 4.5, "elinewidth": 1.4, "color": colour_of(number)}
            axes.errorbar(own["accuracy"], rows, xerr=spread, label=variant, **style)
        first = whole[whole["variant"] == variants[0]]
        rows = _rows(first, places)
        for control, (marker, label) in MARKERS.items():
            axes.plot(first[control], rows, marker, color=QUIET, markersize=7, linestyle="none", label=label, zorder=1)
        published = [name for name in whole if name.startswith("published_")]
        for number, name in enumerate(published):
            label = f"{name.removeprefix('published_')} (published)"
            shape = "s^Dv"[number % 4]
            axes.plot(
                first[name], rows, shape, color=INK, fillstyle="none", markersize=5, linestyle="none", label=label
            )
        several = len({data for data, _ in places}) > 1
        axes.set_yticks(range(len(places)), [f"{d}: {p}" if several else p for d, p in places])
        axes.set_xlim(0, 1)  # few seeds make intervals that reach beyond it
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.set_xlabel("share of pairs in which the real sentence is the more likely one")
        axes.grid(axis="y", color=QUIET, alpha=0.15, linewidth=0.6)
        canvas.legend(loc="outside upper left", fontsize=8.5, ncols=3)
        return save(canvas, path)


def _rows(own: pd.DataFrame, places: dict[tuple[str, str], int]) -> np.ndarray:
    return np.array([places[key] for key in zip(own["data"], own["phenomenon"], strict=True)], dtype=float)
