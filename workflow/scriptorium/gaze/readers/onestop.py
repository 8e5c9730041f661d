"""OneStop Eye Movements: the word-level table of EyeLink's interest areas (Berzak et al. 2025)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members, read_table
from scriptorium.gaze.readers.spec import OnestopOptions
from scriptorium.gaze.rows import measure, place_of, position
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # a fault would be noticed as a difference between participants

PLACE = ("participant_id", "unique_paragraph_id", "IA_ID", "IA_LABEL")
# EyeLink's names; a dot or an empty cell means that there was no fixation to measure
NAMES = {
    "n_fix": "IA_FIXATION_COUNT",
    "ffd": "IA_FIRST_FIXATION_DURATION",
    "gd": "IA_FIRST_RUN_DWELL_TIME",
    "gpt": "IA_REGRESSION_PATH_DURATION",
    "trt": "IA_DWELL_TIME",
}
REPEATED = "repeated_reading_trial"
TRUTH = {"true": True, "1": True, "false": False, "0": False}  # as Python, R and spreadsheets write them


def read(artifact: Path, options: OnestopOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant; a paragraph is a document of running text. First readings only."""
    parts = []
    for path in members(artifact, ".csv"):
        raw = read_table(path, (*PLACE, *NAMES.values()), (REPEATED,))
        if REPEATED in raw:
            raw = raw[~_truth(raw[REPEATED], path)]
        part = pd.DataFrame(
            {"document": raw["unique_paragraph_id"], "participant": raw["participant_id"], "word": raw["IA_LABEL"]}
        )
        part["position"] = position(raw, "IA_ID", path)
        for name, column in NAMES.items():
            part[name] = measure(raw, column, path, skipped="" if name == "n_fix" else ". ")
        parts.append(part.assign(place=place_of(raw, path)))
    return pd.concat(parts)


def _truth(cells: pd.Series, path: Path) -> pd.Series:
    """A column of truth values as bool. Raises UserError naming column and row of what is neither true nor false."""
    found = cells.str.strip().str.lower().map(TRUTH)
    if (odd := found.isna()).any():
        row = odd.idxmax()
        raise UserError(
            f"{cells.name} is {cells[row]!r}, neither True nor False",
            where=f"{path}, row {row}",
            remedy="write True or False (or 1 or 0) in every cell of this column",
        )
    return found.astype(bool)
