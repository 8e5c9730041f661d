"""Provo: 55 short passages, 84 participants, CC BY 4.0 (docs/papers/cogbert.md section 9.6)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.files.tables import members, read_table
from scriptorium.gaze.readers.spec import ProvoOptions
from scriptorium.gaze.rows import measure, place_of, position
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # the first word of a text is missing for all; one that a single participant lacks is noticed

PLACE = ("Participant_ID", "Text_ID", "Sentence_Number", "Word_In_Sentence_Number")
NAMES = {
    "n_fix": "IA_FIXATION_COUNT",
    "ffd": "IA_FIRST_FIXATION_DURATION",
    "gpt": "IA_REGRESSION_PATH_DURATION",
    "trt": "IA_DWELL_TIME",
}
GAZE_DURATION = "IA_FIRST_RUN_DWELL_TIME"  # not in every release


def read(artifact: Path, options: ProvoOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant from .csv tables; a text is a document.

    IA_LABEL is the word where there is such a column, since `Word` is mangled in places (true became TRUE). Rows
    without a place in a sentence are left out, with a note. Raises UserError naming file, row and remedy.
    """
    return pd.concat([_table(path, ledger) for path in members(artifact, ".csv")])


def _table(path: Path, ledger: Ledger) -> pd.DataFrame:
    optional = ("IA_LABEL", "Word", GAZE_DURATION)
    raw = read_table(path, (*PLACE, *NAMES.values()), optional)
    if "IA_LABEL" not in raw and "Word" not in raw:
        raw = read_table(path, (*PLACE, "IA_LABEL", *NAMES.values()))  # names the missing column
    nowhere = raw[["Sentence_Number", "Word_In_Sentence_Number"]].isin(["", "NA"]).any(axis="columns")
    if nowhere.any():
        ledger.note(f"gaze: {nowhere.sum()} rows of {path.name} have no place in a sentence and are left out")
        raw = raw[~nowhere]
    part = pd.DataFrame({"document": raw["Text_ID"].str.strip().str.zfill(2), "participant": raw["Participant_ID"]})
    part["word"] = raw["IA_LABEL" if "IA_LABEL" in raw else "Word"].str.strip()
    part["sentence"] = position(raw, "Sentence_Number", path)
    part["position"] = position(raw, "Word_In_Sentence_Number", path)
    for name, column in (NAMES | {"gd": GAZE_DURATION}).items():
        if column in raw:
            part[name] = measure(raw, column, path, skipped="" if name == "n_fix" else ". NA")
    return part.assign(place=place_of(raw, path))
