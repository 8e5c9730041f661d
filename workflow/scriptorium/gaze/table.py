"""The gaze table: its columns and units, means over participants, and the values that they may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.ledger import Ledger

DURATIONS = ("ffd", "gd", "gpt", "trt")
MEASURES = ("n_fix", *DURATIONS)
COLUMNS = ("corpus", "document", "sentence", "word_index", "word", "n_fix", "n_participants", *DURATIONS, "fix_prop")

# Durations are in ms. ZuCo's releases count samples at 500 Hz (docs/papers/cogbert.md section 9.1)
UNITS = {"ms": 1.0, "s": 1000.0, "samples500": 2.0, "samples250": 4.0}
SHORTEST, LONGEST = 40, 3000  # ms, of the mean of a duration over the participants who fixated the word (ours)
FIXATION = (100, 500)  # ms, between which the median word's fixations last, whoever reads what (ours)
USUAL = (150, 350)  # ms: outside it may be right, or off by the factor 2 of a tracker at 500 Hz (ours)
ENOUGH = 30  # words, of fewer the median says nothing (ours)


def average(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over participants, zeros included, one row per word, in order. rows: of gaze/rows.py, aligned."""
    if "participant" not in rows:  # means already
        return rows
    groups = rows.assign(fixated=rows["n_fix"] > 0).groupby(["document", "sentence", "word_index"], sort=True)
    words = groups[list(MEASURES)].mean()
    words["fix_prop"] = groups["fixated"].mean()
    words["n_participants"] = groups["participant"].nunique()
    words["word"] = groups["word"].first()
    return words.reset_index()


def check_values(words: pd.DataFrame, where: Path) -> None:
    """Catch a mix-up of units before it reaches a model. Raises UserError naming the column and the option.

    A duration's mean over the participants who fixated a word must lie between 40 and 3000 ms; a share between 0 and 1.
    """
    if (words["fix_prop"] > 1 + 1e-9).any():
        row = words[words["fix_prop"] > 1 + 1e-9].iloc[0]
        raise UserError(
            f"fix_prop is {row['fix_prop']:g} for {row['word']!r} in document {row['document']!r}, not a share",
            where=where,
            remedy="give shares from 0 to 1, not percent",
        )
    for column in DURATIONS:
        known = words[words[column].notna() & words["fix_prop"].notna()]
        looks = known["fix_prop"].sum()
        mean = known[column].sum() / looks if looks else np.nan
        if mean < SHORTEST or mean > LONGEST:
            raise UserError(
                f"the mean {column} of a fixated word is {mean:.4g} ms, outside {SHORTEST} to {LONGEST} ms",
                where=f"{where}, column {column}",
                remedy=f"set the reader's option duration_unit ({' | '.join(UNITS)}) to the unit of the raw data, or "
                "convert the column to ms",
            )


def check_fixations(words: pd.DataFrame, where: Path, ledger: Ledger) -> None:
    """How long a fixation lasts hardly differs between texts and people, so its median tells a wrong unit.

    Of the median word, the first fixation (over those who fixated it) and the mean fixation (total time over fixations)
    last 100 to 500 ms. Outside 150 to 350 ms a note is made: it may be twice the truth, or half of it. Raises
    UserError naming column and option.
    """
    looks = words["fix_prop"].where(words["fix_prop"] > 0)
    per_fixation = words["trt"] / words["n_fix"].where(words["n_fix"] > 0)
    for column, values in (("ffd", words["ffd"] / looks), ("trt", per_fixation)):
        values = values[values > 0]
        if len(values) < ENOUGH:
            continue
        median = float(values.median())
        what = f"a fixation of the median word lasts {median:.4g} ms by {column}"
        if not FIXATION[0] <= median <= FIXATION[1]:
            raise UserError(
                f"{what}, outside {FIXATION[0]} to {FIXATION[1]} ms",
                where=f"{where}, column {column}",
                remedy=f"set the reader's option duration_unit ({' | '.join(UNITS)}) to the unit of the raw data",
            )
        if not USUAL[0] <= median <= USUAL[1]:
            ledger.note(
                f"gaze: {what}, which is unusual (150 to 350 ms): is duration_unit right? Trackers at 500 Hz "
                "count samples of 2 ms"
            )


def summary(words: pd.DataFrame) -> dict[str, float]:
    """Counts and means of a gaze table; NaN where the source has no n_fix."""
    known = words["n_fix"].notna().any()
    return {
        "words": len(words),
        "documents": words["document"].nunique(),
        "sentences": len(words[["document", "sentence"]].drop_duplicates()),
        "participants": words["n_participants"].max(),
        "mean_n_fix": words["n_fix"].mean(),
        "share_never_fixated": (words["n_fix"] == 0).mean() if known else float("nan"),
    }
