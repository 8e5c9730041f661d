"""What the readers share: text and tables whose faults are named by file and row, and deterministic parquet."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError, nearest


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
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserError("holds a zero byte, so it is not text", where=f"{path}, line {line}", remedy="give a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def not_utf8(path: Path) -> UserError:
    """The error for a file that is not UTF-8, with its first bad line."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                shown = line[max(error.start - 10, 0) : error.end + 10]
                return UserError(
                    f"not UTF-8: byte 0x{line[error.start]:02x} at column {error.start + 1} ({shown!r})",
                    where=f"{path}, line {number}",
                    remedy=f"convert the file, for instance with: iconv -f WINDOWS-1252 -t UTF-8 {path.name}",
                )
    return UserError("not UTF-8", where=path, remedy="convert the file to UTF-8")


def header(path: Path) -> list[str]:
    """The names of a table's columns, as `read_table` reads them."""
    return list(_read_csv(path, nrows=0).columns)


def _read_csv(path: Path, **more: Any) -> pd.DataFrame:
    """A comma- or tab-separated table as text. A .csv is tab-separated where its header has tabs and no comma."""
    rules = {"sep": "\t", "quoting": 3} if path.suffix in (".tsv", ".txt") else {"sep": ","}
    rules |= {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "skip_blank_lines": False}
    try:
        if rules["sep"] == "," and len(names := pd.read_csv(path, nrows=0, **rules).columns) == 1 and "\t" in names[0]:
            rules["sep"] = "\t"
        return pd.read_csv(path, **rules | more)
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    except pd.errors.EmptyDataError:
        raise UserError("the file is empty", where=path, remedy="give a table with a header and rows") from None
    except pd.errors.ParserError as error:
        found = re.search(r"line (\d+)", str(error))
        where = f"{path}, row {found[1]}" if found else path
        raise UserError(f"not a regular table: {error}", where=where, remedy="give every row as many cells") from None


def read_table(path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> pd.DataFrame:
    """Columns of a comma- or tab-separated (.tsv, .txt) table, as text; the index is the row number in the file. A
    .csv whose header has tabs and no comma is tab-separated too.

    Empty cells are empty text and no word is read as a missing value ("NA", "null", "None" are words).
    Raises UserError naming file and row: missing column (with the nearest name), ragged row, not UTF-8, no rows.
    """
    frame = _read_csv(path)
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
        wrong, wanted = values % 1 != 0, "a whole number"
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


def clean(text: str) -> str:
    """NFC, and every run of white space as one blank."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())


def write_parquet(frame: pd.DataFrame, path: Path) -> Path:
    """The same frame gives the same bytes (no index, no times, no paths)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.reset_index(drop=True).to_parquet(path, index=False, engine="pyarrow", compression="zstd")
    return path
