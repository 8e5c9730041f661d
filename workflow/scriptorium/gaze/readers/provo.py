"""Provo: 55 short passages, 84 readers, CC BY 4.0 (docs/papers/cogbert.md section 9.6)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.files.tables import members, numbers, read_table
from scriptorium.gaze.table import check_words, disagreement, in_order, majority
from scriptorium.ledger import Ledger

PLACE = ("Participant_ID", "Text_ID", "Sentence_Number", "Word_In_Sentence_Number")
NAMES = {
    "n_fix": "IA_FIXATION_COUNT",
    "ffd": "IA_FIRST_FIXATION_DURATION",
    "gpt": "IA_REGRESSION_PATH_DURATION",
    "trt": "IA_DWELL_TIME",
}
GAZE_DURATION = "IA_FIRST_RUN_DWELL_TIME"  # not in every release


def read(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and reader from .csv tables; a text is a document.

    IA_LABEL is the word where there is such a column, since `Word` is mangled in places (true became TRUE). Rows
    without a place in a sentence, and the gap that the missing first word of a text leaves, are closed up, with a
    note. Option `disagreement`: "error" where readers of a text have other words, or "majority" to leave the
    differing readers out of that text. Raises UserError naming file, row and remedy.
    """
    how = disagreement(options)
    frame = pd.concat([_table(path, ledger) for path in members(artifact, ".csv")], ignore_index=True)
    frame = frame.sort_values(["document", "reader", "sentence", "word_index"], kind="stable", ignore_index=True)
    if how == "majority":
        frame = majority(frame, ledger)
    # places that no reader has are closed up; a place that one reader lacks is still a difference
    frame["word_index"] = frame.groupby(["document", "sentence"])["word_index"].rank(method="dense").astype(int)
    return in_order(frame)


def _table(path: Path, ledger: Ledger) -> pd.DataFrame:
    optional = ("IA_LABEL", "Word", GAZE_DURATION)
    raw = read_table(path, (*PLACE, *NAMES.values()), optional)
    if "IA_LABEL" not in raw and "Word" not in raw:
        raw = read_table(path, (*PLACE, "IA_LABEL", *NAMES.values()))  # names the missing column
    nowhere = raw[["Sentence_Number", "Word_In_Sentence_Number"]].isin(["", "NA"]).any(axis="columns")
    if nowhere.any():
        ledger.note(f"gaze: {nowhere.sum()} rows of {path.name} have no place in a sentence and are left out")
        raw = raw[~nowhere]
    part = pd.DataFrame({"document": raw["Text_ID"].str.strip().str.zfill(2), "reader": raw["Participant_ID"]})
    part["word"] = raw["IA_LABEL" if "IA_LABEL" in raw else "Word"].str.strip()
    part["sentence"] = numbers(raw, "Sentence_Number", path, minimum=0, whole=True).astype(int)
    part["word_index"] = numbers(raw, "Word_In_Sentence_Number", path, minimum=0, whole=True).astype(int)
    for measure, column in (NAMES | {"gd": GAZE_DURATION}).items():
        missing = "" if measure == "n_fix" else ". NA"
        part[measure] = numbers(raw, column, path, minimum=0, missing=missing) if column in raw else np.nan
    check_words(part, path)
    return part.assign(place=[f"{path}, row {row}" for row in part.index])
