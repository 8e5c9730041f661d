"""The first page of the HTML report: a sentence per study, the table of all comparisons, one figure."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from scriptorium.reporting.headlines import FEW_LABELS, comparisons, headlines, study_of

COLUMNS = ("study", "task", "variant", "score", "difference", "95 % interval", "verdict")


def first_page(tables: Sequence[Path]) -> str:
    """reStructuredText that opens the report.

    tables: the files of results/tables that the report shows; figures are looked up beside them, in results/figures.
    """
    sentences = headlines(tables)
    if not sentences:
        return ""
    compared = {study_of(path): comparisons(path) for path in tables if study_of(path) in sentences}
    parts = ["Results", "=======", ""]
    parts += [f"- **{_plain(study)}**: {_plain(sentence)}." for study, sentence in sentences.items()]
    if compared:
        parts += [
            "",
            "In brackets: the score, its difference to the baseline's, and the 95 % interval of that difference.",
        ]
        parts += ["", *_raw(_table(compared))]
    if drawn := _figure(tables):
        parts += ["", *_raw(drawn)]
    return "\n".join([*parts, "", "About this report", "=================", "", ""])


def _plain(text: str) -> str:
    """Text without any markup: `bert_` would be a reference."""
    return re.sub(r"([\\*`_|])", r"\\\1", text)


def _table(compared: dict[str, list[dict[str, str]]]) -> str:
    """A row per variant and task; the study is named in its first row alone."""
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    body = []
    for study, rows in compared.items():
        for place, row in enumerate(rows):
            values = (row[name] for name in ("task", "variant", "score", "difference", "interval", "verdict"))
            cells = "".join(f"<td>{escape(text)}</td>" for text in ("" if place else study, *values))
            body.append(f"<tr>{cells}</tr>")
    lines = [f"<table><thead><tr>{head}</tr></thead><tbody>", *body, "</tbody></table>"]
    return "\n".join(['<div class="headline-table">', *lines, "</div>"])


def _figure(tables: Sequence[Path]) -> str:
    """The learning curve with few labels, or else the figure of the first study that has one; the image holds its own
    data.
    """
    for path in sorted(tables, key=lambda path: not path.name.startswith(FEW_LABELS)):
        figures = path.parent.parent / "figures"
        for drawn in (figures / f"{path.stem}.svg", figures / f"{path.stem}_loss.svg"):
            if (study_of(path) or path.name.startswith(FEW_LABELS)) and drawn.is_file():
                data = base64.encodebytes(drawn.read_bytes()).decode().strip()
                alt = f"{study_of(path) or 'few labels'}: every variant beside the baseline"
                image = f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'
                return f'<div class="headline-figure">{image}</div>'
    return ""


def _raw(html: str) -> list[str]:
    """HTML as it is. Its lines must be short: docutils refuses a text with a line of more than 10,000 characters."""
    return [".. raw:: html", "", *(f"   {line}" for line in html.splitlines())]
