"""Figure of the CMCL 2021 table: each model's error, and the best model's predictions against the participants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE, plt, save, styled

LABELS = {
    "mean": "mean of the training words",
    "median": "median of the training words",
    "length": "word length, linear",
    "length_frequency": "length and frequency, linear",
    "boosting": "boosting, surface features",
    "boosting_context": "boosting, more context",
    "encoder": "fine-tuned encoders",
    "mixed": "encoders and boosting",
}
TENTHS = 10


def figure(
    table: pd.DataFrame,
    gain: Mapping[str, float],
    best: np.ndarray,
    observed: np.ndarray,
    measures: Sequence[str],
    path: Path,
) -> Path:
    """Left: mean error per model. Right: per measure, the observed mean in tenths of the prediction. SVG."""
    with styled():
        canvas, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), width_ratios=(1.35, 1), layout="constrained")
        names = [LABELS.get(name, name) for name in table["model"]]
        ours = table["model"].isin(["encoder", "mixed", "boosting_context"])
        left.barh(range(len(table)), table["mean"], height=0.62, color=[COLOURS[0] if o else RULE for o in ours])
        for place, (value, own) in enumerate(zip(table["mean"], ours, strict=True)):
            left.text(0.1, place, f"{value:.3f}", va="center", color="white" if own else INK, fontweight="bold")
        left.set_yticks(range(len(table)), names)
        left.invert_yaxis()
        left.set_xlabel("mean absolute error (scales of 0-100)")
        left.set_title("Unseen sentences (600-799)")
        left.text(
            0.98,
            0.16,
            f"last row less boosting on\nsurface features: {gain['difference']:.3f}\n"
            f"95 %: {gain['low']:.3f} to {gain['high']:.3f}",
            transform=left.transAxes,
            ha="right",
            va="center",
            fontsize=9,
        )
        for column, measure in enumerate(measures):
            groups = np.array_split(np.argsort(best[:, column], kind="stable"), TENTHS)
            points = np.array([[best[g, column].mean(), observed[g, column].mean()] for g in groups])
            right.plot(*points.T, "o-", markersize=3.5, linewidth=1.2, color=COLOURS[column], label=measure)
        right.set_xscale("log")
        right.set_yscale("log")
        right.axline((1, 1), (100, 100), color=QUIET, linewidth=0.8, linestyle="--")
        right.set_xlabel("predicted, mean of each tenth")
        right.set_ylabel("participants, mean of each tenth")
        right.set_title("Is a prediction right on average?")
        right.legend(fontsize=8)
        return save(canvas, path)
