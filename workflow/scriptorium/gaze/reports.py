"""Reports with one row per word and participant, as programs for eye tracking export them: cells, skipped words (ours).

A skipped word has a blank cell, a dot or NA where a number would be, depending on the program.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import numbers, read_text
from scriptorium.ledger import Ledger

SKIPPED = ("", ".", "NA")
REMEDY = "correct the cell; a word that was skipped has 0, a blank cell, a dot or NA in all its measures"


def quoted(path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> pd.DataFrame:
    """Columns of a tab-separated table in which a cell may stand in quotation marks, as text, by row number.

    `files.tables.read_table` takes quotation marks of such tables literally; pandas and R write them around cells that
    hold a tab or a mark. Raises UserError naming file and row: missing column, ragged row, no rows.
    """
    try:
        header, *rows = csv.reader(io.StringIO(read_text(path), newline=""), delimiter="\t")
    except csv.Error as error:
        raise UserError(f"not a table: {error}", where=path, remedy="export the report again, as text") from None
    except ValueError:
        raise UserError("the file is empty", where=path, remedy="give a table with a header and rows") from None
    for column in required:
        if header.count(column) != 1:
            fault = f"column {column!r} is missing, {nearest(column, header)}"
            raise UserError(
                f"column {column!r} stands in it twice" if column in header else fault,
                where=path,
                remedy="rename or add the column",
            )
    wanted = {name: header.index(name) for name in (*required, *optional) if name in header}
    kept = {}
    for number, row in enumerate(rows, start=2):
        if len(row) not in (0, len(header)):
            raise UserError(
                f"{len(row)} cells, but {len(header)} columns",
                where=f"{path}, row {number}",
                remedy="give every row as many cells; a quotation mark that opens a cell must close it",
            )
        if any(row):
            kept[number] = [row[at] for at in wanted.values()]
    if not kept:
        raise UserError("the table has no rows", where=path, remedy="give at least one row below the header")
    return pd.DataFrame.from_dict(kept, orient="index", columns=list(wanted))


def measures(raw: pd.DataFrame, names: Mapping[str, str], path: Path, ledger: Ledger) -> pd.DataFrame:
    """The measures of a report as float64, by our names; what is blank, a dot or NA was not fixated: 0, with a note.

    names: our name -> column, n_fix among them. Raises UserError naming file and row for other text, a negative
    number, and for a row that contradicts itself: no fixation but a duration, or fixations but no
    first fixation or total time.
    """
    cells = raw[list(names.values())].apply(lambda column: column.str.strip())
    blank = cells.isin(SKIPPED)
    found = pd.DataFrame(
        {
            name: numbers(cells.mask(blank, "0"), column, path, minimum=0, remedy=REMEDY)
            for name, column in names.items()
        }
    )
    fixated = found["n_fix"] > 0
    # go-past and first-pass times may be blank (the word was passed over first), or hold a regression's placeholder
    own = [name for name in ("ffd", "trt") if name in names]
    wrong = (~fixated & (found[[*own, *(["gd"] if "gd" in names else [])]] > 0).any(axis="columns")) | (
        fixated & blank[[names[name] for name in own]].any(axis="columns")
    )
    if wrong.any():
        row = wrong.idxmax()
        shown = ", ".join(f"{column} {raw[column][row]!r}" for column in names.values())
        raise UserError(f"fixations and durations do not fit: {shown}", where=f"{path}, row {row}", remedy=REMEDY)
    if (skipped := blank[names["n_fix"]]).any():
        ledger.note(
            f"gaze: {skipped.sum()} words of {path.name} have no fixation count and are read as skipped, first row "
            f"{skipped.idxmax()}"
        )
    return found


def with_words(raw: pd.DataFrame, column: str, path: Path, ledger: Ledger) -> pd.DataFrame:
    """The rows that have a word (not blank, a dot or NA: areas without text); the others are left out, with a note.

    Raises UserError if none has one.
    """
    lost = raw[column].str.strip().isin(SKIPPED)
    if lost.all():
        raise UserError(f"{column} is blank in every row", where=path, remedy="export the labels of the areas as well")
    if lost.any():
        ledger.note(f"gaze: {lost.sum()} rows of {path.name} have no word and are left out, first row {lost.idxmax()}")
    return raw[~lost]
