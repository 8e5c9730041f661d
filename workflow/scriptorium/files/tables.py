"""What the readers share: text and tables whose faults are named by file and row, and deterministic parquet."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError, nearest
from scriptorium.files import quoting
from scriptorium.files.damage import reading
from scriptorium.files.lines import lines

SPREADSHEET_ERRORS = frozenset(["#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"])
MOST = 2.0**53  # whole numbers above it are not exact as float64, and no data set counts so far


def members(artifact: Path, *suffixes: str) -> list[Path]:
    """The files that a manifest lists and whose names end in one of `suffixes`. Raises UserError if there are none."""
    listed = [artifact.parent / entry["path"] for entry in manifest.read(artifact)["files"]]
    found = [path for path in listed if not suffixes or path.name.endswith(suffixes)]
    if not found:
        names = ", ".join(path.name for path in listed[:5])
        raise UserError(
            f"no file ending in {' or '.join(suffixes)} (it has {names or 'nothing'})",
            where=artifact,
            remedy="correct `members` of this data set in config/datasets.tsv, or its reader",
        )
    return found


def read_text(path: Path) -> str:
    """A UTF-8 text file (a byte order mark is dropped, line ends become \\n). Raises UserError naming file and line."""
    return "\n".join(line for _, line in lines(path)).replace("\r", "\n")


def header(path: Path) -> list[str]:
    """The names of a table's columns, as `read_table` reads them."""
    return list(_cells(path, _rules(path), nrows=0).columns)


def one_column_each(names: Sequence[str], where: str | Path) -> None:
    """Raises UserError where two columns have the same name: nobody can say which of them is meant."""
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise UserError(
            f"column {twice[0]!r} is named twice", where=where, remedy="rename one of the two, or take it out"
        )


def _rules(path: Path) -> dict[str, Any]:
    """How pandas is to read a table: tabs in a .tsv or .txt; in a .csv commas, or where its header has none, tabs or
    semicolons (which Excel writes where a comma is the decimal point); cells are quoted as files/quoting.py says.
    Raises UserError also for what pandas would pass over.
    """
    if path.stat().st_size == 0:
        raise UserError("the file is empty", where=path, remedy="give a table with a header and rows")
    _, first = next(lines(path), (1, ""))
    named = "\t" if path.name.removesuffix(".gz").endswith((".tsv", ".txt")) else ","
    separator = next((each for each in (named, "\t", ";") if each in first), named)
    tabs = separator == "\t"
    rules: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "skip_blank_lines": False}
    rules |= {"dtype": str, "keep_default_na": False}
    width, marks, short = first.count(rules["sep"]), False, 0
    for number, line in lines(path):  # to the end: not UTF-8, zero bytes, damage
        marks = marks or '"' in line
        if not short and line.count(rules["sep"]) < width and line.strip():
            short = number
    if marks and (not tabs or quoting.is_quoted(lines(path))):
        quoting.check(lines(path), path, rules["sep"])
    else:
        rules["quoting"] = csv.QUOTE_NONE
        if short:
            raise quoting.short(path, short)
    one_column_each(_cells(path, rules, header=None, nrows=1).iloc[0].tolist(), path)
    return rules


def _cells(path: Path, rules: dict[str, Any], **more: Any) -> pd.DataFrame:
    with reading(path, "a table"):
        try:
            return pd.read_csv(path, **rules | more)
        except pd.errors.EmptyDataError:
            raise UserError("the file is empty", where=path, remedy="give a table with a header and rows") from None
        except pd.errors.ParserError as error:
            found = re.search(r"line (\d+)", str(error))
            where = f"{path}, row {found[1]}" if found else path
            remedy = "give every row as many cells"
            raise UserError(f"not a regular table: {error}", where=where, remedy=remedy) from None


def read_table(path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> pd.DataFrame:
    """Columns of a comma- or tab-separated table, as text; the index is the row number in the file.

    Empty cells are empty text and no word is read as a missing value ("NA", "null", "None" are words).
    Raises UserError naming file and row: missing column (with the nearest name), ragged row, not UTF-8, no rows.
    """
    frame = _cells(path, _rules(path))
    for column in required:
        if column not in frame:
            raise UserError(
                f"column {column!r} is missing, {nearest(column, map(str, frame.columns))}",
                where=path,
                remedy="rename or add the column",
            )
    if not isinstance(frame.index, pd.RangeIndex):  # pandas takes surplus cells of the first rows for row names
        raise UserError("more cells than columns", where=f"{path}, row 2", remedy="give every row as many cells")
    frame.index = range(2, len(frame) + 2)
    frame = frame[[*required, *(column for column in optional if column in frame)]]
    frame = frame[(frame != "").any(axis="columns")]
    if frame.empty:
        raise UserError("the table has no rows", where=path, remedy="give at least one row below the header")
    return frame


def numbers(
    frame: pd.DataFrame,
    column: str,
    path: Path,
    *,
    minimum: float | None = None,
    whole: bool = False,
    missing: str = "",
    remedy: str = "correct the cell, or leave the row out",
) -> pd.Series:
    """A column as float64; cells equal to a word of `missing` count as 0. Raises UserError naming file and row."""
    cells = frame[column].str.strip()
    if missing:
        cells = cells.where(~cells.isin(missing.split(" ")), "0")
    values = pd.to_numeric(cells, errors="coerce").astype("float64")
    wrong = ~np.isfinite(values)
    wanted = "a number"
    if not wrong.any() and whole:
        wrong, wanted = (values % 1 != 0) | (values.abs() > MOST), "a whole number"
    if not wrong.any() and minimum is not None:
        wrong, wanted = values < minimum, f"a number of at least {minimum:g}"
    if wrong.any():
        row = wrong.idxmax()
        raise UserError(
            f"{column} is {frame[column][row]!r}, not {wanted}",
            where=f"{path}, row {row}",
            remedy=remedy,
        )
    return values


def one_spelling(ids: pd.Series, what: str, places: Sequence[str]) -> None:
    """Raises UserError, naming the place, for an id that is a number in another spelling elsewhere: 1.0 and 1.

    A table that went through a program which made numbers of its ids has them; they would count as two.
    """
    known = set(ids)
    odd = [own for own in known if isinstance(own, str) and re.fullmatch(r"\d+\.0+", own)]
    for own in sorted(odd):
        if (other := own.partition(".")[0]) in known:
            raise UserError(
                f"{what} {own!r} is {other!r} elsewhere",
                where=places[int(np.argmax(ids.to_numpy() == own))],
                remedy="write an id in one way everywhere",
            )


def clean(text: str) -> str:
    """NFC, and every run of white space as one blank."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def write_parquet(frame: pd.DataFrame, path: Path) -> Path:
    """The same frame gives the same bytes (no index, no times, no paths)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.reset_index(drop=True).to_parquet(path, index=False, engine="pyarrow", compression="zstd")
    return path
