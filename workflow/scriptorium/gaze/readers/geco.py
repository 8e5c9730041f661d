"""GECO: a whole novel, English monolinguals and Dutch-English bilinguals (docs/papers/cogbert.md section 9.3)."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import members, numbers
from scriptorium.gaze.sentences import sentences
from scriptorium.gaze.table import check_words, disagreement, in_order, majority
from scriptorium.ledger import Ledger

PLACE = ("PP_NR", "PART", "TRIAL", "WORD_ID", "WORD")
NAMES = {
    "n_fix": "WORD_FIXATION_COUNT",
    "ffd": "WORD_FIRST_FIXATION_DURATION",
    "gd": "WORD_GAZE_DURATION",
    "trt": "WORD_TOTAL_READING_TIME",
}
GO_PAST = "WORD_GO_PAST_TIME"  # not in every release


def read(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and reader from .xlsx tables (all sheets that have the columns).

    A trial is one page of the novel and one document (ours); sentences are cut by `sentences`. A dot is 0: not
    fixated. Option `disagreement`: "error" where readers of a page have other words, or "majority" to leave the
    differing readers out of that page, with a note. Raises UserError naming file, row and remedy.
    """
    how = disagreement(options)
    frame = pd.concat([_table(raw, path) for path in members(artifact, ".xlsx") for raw in _sheets(path)])
    frame = frame.sort_values(["document", "reader", "position"], kind="stable", ignore_index=True)
    if how == "majority":
        frame = majority(frame, ledger)
    frame["sentence"] = frame.groupby(["document", "reader"], sort=False)["word"].transform(lambda w: sentences([*w]))
    # a page is checked as a whole: readers whose words differ would have other sentences
    whole = frame.assign(
        sentence=0,
        word_index=frame.groupby("document")["position"].rank(method="dense").astype(int),
        cut=frame["sentence"],
    )
    frame = in_order(whole).drop(columns=["sentence", "position"]).rename(columns={"cut": "sentence"})
    frame["word_index"] = frame.groupby(["document", "sentence", "reader"], sort=False).cumcount()
    return frame


def _sheets(path: Path) -> list[pd.DataFrame]:
    """The sheets with our columns, as text, indexed by row number."""
    import openpyxl

    required = (*PLACE, *NAMES.values())
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise UserError(
            f"not an Excel workbook: {error}",
            where=path,
            remedy="give the .xlsx file as downloaded (save an old .xls as .xlsx)",
        ) from None
    found, headers = [], {}
    for sheet in book:
        rows = sheet.iter_rows(values_only=True)
        header = [str(cell).strip() if cell is not None else "" for cell in next(rows, ())]
        headers[sheet.title] = header
        if any(name not in header for name in required):
            continue
        kept = [header.index(name) for name in (*required, GO_PAST) if name in header]
        cells = [["" if row[at] is None else str(row[at]).strip() for at in kept] for row in rows]
        table = pd.DataFrame(cells, columns=[header[at] for at in kept], index=range(2, len(cells) + 2))
        found.append(table[(table != "").any(axis="columns")])
    if not found:
        best = max(headers, key=lambda title: len({*headers[title]} & {*required}))
        lost = next(name for name in required if name not in headers[best])
        raise UserError(
            f"column {lost!r} is missing, {nearest(lost, filter(None, headers[best]))}",
            where=f"{path}, sheet {best!r}",
            remedy="rename or add the column",
        )
    return found


def _table(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    part = pd.DataFrame({"document": raw["PART"] + "-" + raw["TRIAL"], "reader": raw["PP_NR"], "word": raw["WORD"]})
    # WORD_ID is <part>-<trial>-<number on the page>
    number = raw[["WORD_ID"]].assign(WORD_ID=raw["WORD_ID"].str.rsplit("-", n=1).str[-1])
    part["position"] = numbers(number, "WORD_ID", path, minimum=0, whole=True).astype(int)
    for measure, column in (NAMES | {"gpt": GO_PAST}).items():
        missing = "" if measure == "n_fix" else "."
        part[measure] = numbers(raw, column, path, minimum=0, missing=missing) if column in raw else np.nan
    check_words(part, path)
    return part.assign(place=[f"{path}, row {row}" for row in part.index])
