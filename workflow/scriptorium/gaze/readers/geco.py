"""GECO: a whole novel, English monolinguals and Dutch-English bilinguals (docs/papers/cogbert.md section 9.3)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.damage import reading
from scriptorium.files.tables import SPREADSHEET_ERRORS, members, one_column_each
from scriptorium.gaze.readers.spec import GecoOptions
from scriptorium.gaze.rows import measure, place_of, position
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # a page may begin with any number; a word that a single participant lacks is noticed

PLACE = ("PP_NR", "PART", "TRIAL", "WORD_ID", "WORD")
NAMES = {
    "n_fix": "WORD_FIXATION_COUNT",
    "ffd": "WORD_FIRST_FIXATION_DURATION",
    "gd": "WORD_GAZE_DURATION",
    "trt": "WORD_TOTAL_READING_TIME",
}
GO_PAST = "WORD_GO_PAST_TIME"  # not in every release


def read(artifact: Path, options: GecoOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant from .xlsx tables (all sheets that have the columns).

    A trial is one page of the novel and one document (ours), of running text. A dot is 0: not fixated. Raises
    UserError naming file, row and remedy.
    """
    return pd.concat(
        [_table(raw, path, options, ledger) for path in members(artifact, ".xlsx") for raw in _sheets(path)]
    )


def _sheets(path: Path) -> list[pd.DataFrame]:
    """The sheets with our columns, as text, indexed by row number."""
    import openpyxl

    required = (*PLACE, *NAMES.values())
    remedy = "give the .xlsx file as downloaded (save an old .xls as .xlsx)"
    found, headers = [], {}
    with reading(path, "an Excel workbook", remedy):
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"its part {damaged} is damaged")
        for sheet in openpyxl.load_workbook(path, read_only=True, data_only=True):
            where, rows = f"{path}, sheet {sheet.title!r}", sheet.iter_rows(values_only=True)
            headers[sheet.title] = header = [_shown(cell) for cell in next(rows, ())]
            if all(name in header for name in required):
                one_column_each([name for name in header if name in (*required, GO_PAST)], where)
                found.append(_cells(rows, {n: header.index(n) for n in (*required, GO_PAST) if n in header}, where))
    if not found:
        best = max(headers, key=lambda title: len({*headers[title]} & {*required}), default="")
        lost = next(name for name in required if name not in headers.get(best, ()))
        raise UserError(
            f"column {lost!r} is missing, {nearest(lost, filter(None, headers.get(best, ())))}",
            where=f"{path}, sheet {best!r}",
            remedy="rename or add the column",
        )
    return found


def _cells(rows: Iterable[tuple], kept: dict[str, int], where: str) -> pd.DataFrame:
    """The columns of a sheet that are kept (name: place), below its header, without blank rows."""
    cells = []
    for number, row in enumerate(rows, start=2):
        picked = {name: row[at] if at < len(row) else None for name, at in kept.items()}
        if any(cell is not None for cell in picked.values()):
            for name in PLACE:
                _check(picked[name], name, f"{where}, row {number}")
        cells.append([_shown(cell) for cell in picked.values()])
    table = pd.DataFrame(cells, columns=list(kept), index=range(2, len(cells) + 2))
    return table[(table != "").any(axis="columns")]


def _shown(cell: Any) -> str:
    """A cell's text as a spreadsheet shows it: 17 and not 17.0."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _check(cell: Any, column: str, where: str) -> None:
    """A spreadsheet makes truth values, dates and errors of some words and names that are typed into it."""
    text_or_number = isinstance(cell, str | int | float) and not isinstance(cell, bool)
    if text_or_number and _shown(cell) and _shown(cell) not in SPREADSHEET_ERRORS:
        return
    what = "a word" if column == "WORD" else "a number or a name"
    problem = "is empty" if cell is None else f"is {_shown(cell)!r}, which is not {what} but a {_kind(cell)}"
    raise UserError(
        f"{column} {problem}",
        where=where,
        remedy="format the column as text and type "
        + ("the word that was shown to the participants" if column == "WORD" else "what it should say"),
    )


def _kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "truth value"
    return "blank" if not _shown(cell) else "formula's error" if isinstance(cell, str) else "date or time"


def _table(raw: pd.DataFrame, path: Path, options: GecoOptions, ledger: Ledger) -> pd.DataFrame:
    part = pd.DataFrame(
        {"document": raw["PART"] + "-" + raw["TRIAL"], "participant": raw["PP_NR"], "word": raw["WORD"]}
    )
    blank = part["word"].str.contains(r"\s")
    if options.blanks and blank.any():
        part["word"] = part["word"].str.replace(r"\s+", options.blanks, regex=True)
        ledger.note(
            f"gaze: {blank.sum()} words of {path.name} hold a blank, for which {options.blanks!r} is written, "
            f"first row {blank.idxmax()}: {raw['WORD'][blank.idxmax()]!r}"
        )
    # WORD_ID is <part>-<trial>-<number on the page>
    number = raw[["WORD_ID"]].assign(WORD_ID=raw["WORD_ID"].str.rsplit("-", n=1).str[-1])
    part["position"] = position(number, "WORD_ID", path)
    for name, column in (NAMES | {"gpt": GO_PAST}).items():
        if column in raw:
            part[name] = measure(raw, column, path, skipped="" if name == "n_fix" else ".")
    return part.assign(place=place_of(raw, path))
