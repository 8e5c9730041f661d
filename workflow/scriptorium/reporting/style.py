"""How all figures look: readable sizes, colours that colour-blind readers can tell apart, and reproducible bytes."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

# Okabe and Ito (2008), in the order of use
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#6c6c00", "#8c3b2e", "#4d4d4d")
INK, QUIET, RULE = "#30353b", "#8a9199", "#d5d9dd"

STYLE = {
    "svg.hashsalt": "scriptorium",  # otherwise element ids differ from run to run
    "svg.fonttype": "none",  # text stays text: searchable, and drawn in the reader's own font
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def styled():
    """A context in which figures are made: `with styled(): ...`."""
    return plt.rc_context(STYLE)


def save(figure: Figure, path: Path) -> Path:
    """Write an SVG (or whatever the suffix says) without dates or versions, and forget the figure."""
    empty = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, metadata=empty, facecolor="white", dpi=140)
    plt.close(figure)
    return path
