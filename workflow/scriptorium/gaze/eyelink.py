"""Interest-area reports of EyeLink's Data Viewer: a row per word and participant, with the names of any laboratory."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.gaze.reports import measures, quoted, with_words
from scriptorium.gaze.rows import place_of, position
from scriptorium.ledger import Ledger

# Data Viewer's names
NAMES = {
    "n_fix": "IA_FIXATION_COUNT",
    "ffd": "IA_FIRST_FIXATION_DURATION",
    "gd": "IA_FIRST_RUN_DWELL_TIME",
    "gpt": "IA_REGRESSION_PATH_DURATION",
    "trt": "IA_DWELL_TIME",
}


def report(path: Path, participant: str, document: str, ledger: Ledger, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """The rows of a tab-separated report as it stands, with the columns of `more`: text, by row number."""
    wanted = (participant, document, "IA_ID", "IA_LABEL", *more, *NAMES.values())
    raw = quoted(path, tuple(dict.fromkeys(wanted)))
    # some releases have a tab, and the label again, behind a label
    return with_words(raw.assign(IA_LABEL=raw["IA_LABEL"].str.split("\t").str[0]), "IA_LABEL", path, ledger)


def rows(raw: pd.DataFrame, participant: str, document: str, path: Path, ledger: Ledger) -> pd.DataFrame:
    """The columns of gaze/rows.py. Raises UserError naming file and row."""
    part = pd.DataFrame(
        {"document": raw[document], "participant": raw[participant], "word": raw["IA_LABEL"].str.strip()}
    )
    part["position"] = position(raw, "IA_ID", path)
    return part.join(measures(raw, NAMES, path, ledger)).assign(place=place_of(raw, path))
