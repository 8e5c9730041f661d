"""How all figures look: readable sizes, colours that colour-blind readers can tell apart, and reproducible bytes."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

# Okabe and Ito (2008), in the order of use
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#6c6c00", "#8c3b2e", "#4d4d4d")
MARKERS = ("o", "s", "^", "D", "v")  # one for each round of colours
INK, QUIET, RULE = "#30353b", "#8a9199", "#d5d9dd"

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no XML may hold them

STYLE = {
    "svg.hashsalt": "scriptorium",  # otherwise element ids differ from run to run
    "text.parse_math": False,  # words of others stand in figures: "$\\frac$" is what somebody wrote
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


def colour_of(number: int) -> str:
    """Of the so-manieth variant; more than there are colours are told apart by `marker_of`."""
    return COLOURS[number % len(COLOURS)]


def marker_of(number: int) -> str:
    return MARKERS[number // len(COLOURS) % len(MARKERS)]


def styled():
    """A context in which figures are made: `with styled(): ...`."""
    return plt.rc_context(STYLE)


def _keep_powers_of_ten(figure: Figure) -> None:
    """The labels of a logarithmic axis are mathematics."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(axis.get_major_formatter(), LogFormatter):
            major, minor = axis.get_majorticklocs(), axis.get_minorticklocs()
            for tick in (*axis.get_major_ticks(len(major)), *axis.get_minor_ticks(len(minor))):
                tick.label1.set_parse_math(True)


def save(figure: Figure, path: Path) -> Path:
    """Write an SVG (or whatever the suffix says) without dates or versions, and forget the figure."""
    _keep_powers_of_ten(figure)
    empty = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
    figure.savefig(path, metadata=empty, facecolor="white", dpi=140)
    plt.close(figure)
    if path.suffix == ".svg" and UNPRINTABLE.search(drawn := path.read_text(encoding="utf-8")):
        path.write_text(UNPRINTABLE.sub("\ufffd", drawn), encoding="utf-8")
    return path
