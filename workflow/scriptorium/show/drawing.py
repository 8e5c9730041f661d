"""The picture as a figure: the text, and for every term a square where the row of a prediction sees a token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from scriptorium.reporting.style import COLOURS, INK, QUIET, RULE, plt, styled
from scriptorium.show.picture import Group, Picture, Term

CELL = 0.2  # inches
GAP = 0.2  # inches between groups
LETTER, SMALL = 0.078, 0.068  # inches of a letter of a token, and of a heading
EDGE = 0.1
SEEN, MARKED = COLOURS[0], COLOURS[1]
MEANS = "orange: predicted, hidden or changed"


def draw(picture: Picture, path: Path) -> Path:
    """Write the figure, in the format of the suffix; an SVG holds the picture as text besides, as its description."""
    titles = [f"{term.name} of" for term in picture.terms]
    left = LETTER * (
        2
        + max(len(word) for term, title in zip(picture.terms, titles, strict=True) for word in (title, *term.predicts))
    )
    starts, right = _starts(picture.groups, left)
    width = max(right, 44 * LETTER)
    lines = wrapped(picture.text, int(width / LETTER))
    top = LETTER * max(len(token) for group in picture.groups for token in group.tokens) + 0.38
    heights = [0.27 * len(lines) + 0.4, *(top + CELL * len(term.predicts) + 0.15 for term in picture.terms)]
    size = width + 2 * EDGE, sum(heights)
    with styled():
        canvas, above = plt.figure(figsize=size), 0.0
        for number, height in enumerate(heights):
            axes = canvas.add_axes((EDGE / size[0], 1 - (above + height) / size[1], width / size[0], height / size[1]))
            axes.set_axis_off()
            axes.set_xlim(0, width)  # all places are in inches
            axes.set_ylim(height, 0)
            if number:
                _term(axes, picture.groups, picture.terms[number - 1], starts, left, top)
            else:
                _text(axes, picture, lines)
            above += height
        empty = {"Date": None, "Creator": None, "Description": picture.as_text()}
        canvas.savefig(path, metadata=empty if path.suffix == ".svg" else {}, facecolor="white", dpi=140)
        plt.close(canvas)
    return path


def _starts(groups: tuple[Group, ...], left: float) -> tuple[list[float], float]:
    """Where every group's first token begins, and where the last one ends; a group is as wide as its heading."""
    starts, place = [], left
    for group in groups:
        starts.append(place)
        place += max(CELL * len(group.tokens), SMALL * len(group.heading)) + GAP
    return starts, place - GAP


def wrapped(tokens: tuple[str, ...], width: int) -> list[list[int]]:
    """The numbers of the tokens of each line of at most `width` letters, with a blank behind every token."""
    lines: list[list[int]] = [[]]
    room = width
    for number, token in enumerate(tokens):
        if lines[-1] and len(token) + 1 > room:
            lines.append([])
            room = width
        lines[-1].append(number)
        room -= len(token) + 1
    return lines


def _text(axes: Axes, picture: Picture, lines: list[list[int]]) -> None:
    _label(axes, 0, 0.14, f"{picture.objective}, the text ({MEANS})")
    for line, numbers in enumerate(lines):
        place = 0.0
        for number in numbers:
            _token(axes, place, 0.38 + 0.27 * line, picture.text[number], picture.hidden[number])
            place += (len(picture.text[number]) + 1) * LETTER


def _term(axes: Axes, groups: tuple[Group, ...], term: Term, starts: list[float], left: float, top: float) -> None:
    _label(axes, left - LETTER, top - 0.12, f"{term.name} of", ha="right")
    places: list[float] = []
    for start, group in zip(starts, groups, strict=True):
        _label(axes, start, 0.14, group.heading)
        own = start + CELL * (np.arange(len(group.tokens)) + 0.5)
        for place, token, changed in zip(own, group.tokens, group.changed, strict=True):
            _token(axes, place, top - 0.04, token, changed, rotation=90, ha="center", va="bottom")
        places += own.tolist()
    x, y = np.array(places), top + CELL * (np.arange(len(term.predicts)) + 0.5)
    for word, middle in zip(term.predicts, y, strict=True):
        _token(axes, left - LETTER, middle, word, False, ha="right")
    for sees, how in ((~term.sees, {"facecolors": "none", "edgecolors": RULE}), (term.sees, {"color": SEEN})):
        rows, columns = np.nonzero(sees)
        axes.scatter(x[columns], y[rows], s=(72 * CELL * 0.8) ** 2, marker="s", linewidths=0.6, **how)


def _label(axes: Axes, x: float, y: float, words: str, ha: str = "left") -> None:
    axes.text(x, y, words, ha=ha, va="center", fontsize=8, color=QUIET)


def _token(axes: Axes, x: float, y: float, token: str, marked: bool, **how: object) -> None:
    axes.text(
        x,
        y,
        token.replace("$", r"\$"),
        **{"va": "center", "family": "monospace", "fontsize": 9, **how},
        color=MARKED if marked else INK,
        fontweight="bold" if marked else "normal",
    )
