"""MECO: the same texts in many languages (Siegelman et al. 2022): joint_data_trimmed, exported from R as csv.

The columns are those of popEye's reports of interest areas, or of words (from version 2 on), and of MECO's own lang and
uniform_id.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import header, members, read_table
from scriptorium.gaze.readers.spec import MecoOptions
from scriptorium.gaze.reports import measures, with_words
from scriptorium.gaze.rows import place_of, position
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # areas without a word are left out; a word that a single participant lacks is noticed

PLACE = ("lang", "uniform_id", "trialid", "sentnum")
NAMES = {
    "n_fix": "nfix",
    "ffd": "firstfix.dur",
    "gd": "firstrun.dur",
    "gpt": "firstrun.gopast",
    "trt": "dur",
}


def read(artifact: Path, options: MecoOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant of .csv files; a text in one language is a document, named <language>-<text>.

    Some participants of the releases have their texts' numbers shifted by one, so that they read other words under a
    number than the rest: they are left out of these texts (disagreement: majority), with a note for each. Rows
    without a word are left out, with a note. Raises UserError naming file, row and remedy.
    """
    parts = [part for path in members(artifact, ".csv") if (part := _table(path, options, ledger)) is not None]
    if not parts:
        languages = {name for path in members(artifact, ".csv") for name in read_table(path, ("lang",))["lang"]}
        raise UserError(
            f"no row in language {options.language!r}, {nearest(options.language, languages)}",
            where=artifact,
            remedy="correct the option language, or leave it out",
        )
    return pd.concat(parts)


def _table(path: Path, options: MecoOptions, ledger: Ledger) -> pd.DataFrame | None:
    """The rows of a file, or None if it has none in the language."""
    number, word = ("ianum", "ia") if "ianum" in header(path) else ("wordnum", "word")
    raw = read_table(path, (*PLACE, number, word, *NAMES.values()))
    if options.language:
        raw = raw[raw["lang"] == options.language]
        if raw.empty:
            return None
    raw = with_words(raw, word, path, ledger)
    text = position(raw, "trialid", path)  # R writes 3 as 3.0 where a column has empty cells
    part = pd.DataFrame({"document": raw["lang"] + "-" + text.astype(str).str.zfill(2), "word": raw[word].str.strip()})
    part["participant"] = raw["uniform_id"]
    part["sentence"] = position(raw, "sentnum", path)
    part["position"] = position(raw, number, path)
    return part.join(measures(raw, NAMES, path, ledger)).assign(place=place_of(raw, path))
