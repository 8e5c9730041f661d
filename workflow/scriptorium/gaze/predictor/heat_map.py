"""A text with a colour behind every word, the stronger the more it is looked at: a page of HTML for each prediction."""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd

from scriptorium.gaze.predictor.model import UNITS

STYLE = (
    "body{font:18px/1.9 Georgia,serif;max-width:46em;margin:2em auto;padding:0 1em;color:#30353b}"
    "h2{font:600 15px sans-serif;margin:2em 0 .3em}p{margin:.2em 0}span{padding:.1em .12em;border-radius:.2em}"
)
RED, GREEN, BLUE = 47, 111, 159


def page(table: pd.DataFrame, measures: Sequence[str]) -> str:
    """The text once for each measure, whose numbers and interval are shown where the pointer rests.

    table: of `GazeModel.read`. Everything that comes from the text is escaped. Nothing is loaded from elsewhere.
    """
    body = [part for measure in measures for part in _measure(table, measure)]
    return (
        '<!doctype html>\n<html lang=""><head><meta charset="utf-8"><title>Reading measures</title>'
        f"<style>{STYLE}</style></head><body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _measure(table: pd.DataFrame, measure: str) -> list[str]:
    values = table[measure]
    low, high = float(values.min()), float(values.max())
    digits = 0 if UNITS[measure] == "ms" else 2
    lines = [f"<h2>{measure} ({UNITS[measure]}): {low:.{digits}f} to {high:.{digits}f}</h2>"]
    for _, sentence in table.groupby("sentence", sort=True):
        lines.append(
            f"<p>{' '.join(_word(row, measure, low, high, digits) for row in sentence.to_dict('records'))}</p>"
        )
    return lines


def _word(row: dict, measure: str, low: float, high: float, digits: int) -> str:
    strength = (row[measure] - low) / (high - low) if high > low else 0.0
    shown = f"{row[measure]:.{digits}f} [{row[f'{measure}_low']:.{digits}f} {row[f'{measure}_high']:.{digits}f}]"
    colour = f"rgba({RED},{GREEN},{BLUE},{0.75 * strength:.3f})"
    return f'<span style="background:{colour}" title="{shown}">{html.escape(str(row["word"]))}</span>'
