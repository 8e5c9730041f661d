"""The gaze table: its columns and units, means over participants, and the values that they may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError

DURATIONS = ("ffd", "gd", "gpt", "trt")
MEASURES = ("n_fix", *DURATIONS)
COLUMNS = ("corpus", "document", "sentence", "word_index", "word", "n_fix", "n_participants", *DURATIONS, "fix_prop")

# Durations are in ms. ZuCo's releases count samples at 500 Hz (docs/papers/cogbert.md section 9.1)
UNITS = {"ms": 1.0, "samples500": 2.0}
SHORTEST, LONGEST = 40, 3000  # ms, of the mean of a duration over the participants who fixated the word (ours)


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
