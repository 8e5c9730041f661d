"""Natural Stories: self-paced reading (Futrell et al. 2021): processed_RTs.tsv, and tables of that shape.

No eye was tracked: a participant pressed a key for every word, so there are no fixations and no skipped words. The time
on a word is both its first-pass and its total time; it is read as `trt`, and as nothing else (ours).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members, numbers
from scriptorium.gaze.readers.spec import DurationOptions
from scriptorium.gaze.reports import SKIPPED, quoted
from scriptorium.gaze.rows import place_of, position
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # a word for which no time was left has no row

KEY = ["document", "position"]


def read(artifact: Path, options: DurationOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word, means over the participants who have a time for it; a story is a document of running text.

    The release leaves out times of at most 100 or at least 3,000 ms, so participants lack words here and there: how
    many is noted, and a blank time is one of them. Raises UserError naming file and row: a word given twice, another
    word at the same place, times that are no numbers above 0.
    """
    rows = pd.concat([_table(path) for path in members(artifact, ".tsv")], ignore_index=True)
    _check(rows)
    known = rows[np.isfinite(rows["trt"])]
    if known.empty:
        raise UserError("no word has a time", where=artifact, remedy="give the times of the words in the column RT")
    words = known.groupby(KEY, sort=True).agg(
        word=("word", "first"), trt=("trt", "mean"), n_participants=("participant", "nunique"), place=("place", "first")
    )
    readers = known.groupby("document")["participant"].nunique()
    lacking = int((words.index.get_level_values("document").map(readers) - words["n_participants"]).sum())
    ledger.note(f"gaze: {lacking} of {lacking + len(known)} times of a participant and a word are not in the data")
    return words.reset_index().assign(fix_prop=np.nan)


def _table(path: Path) -> pd.DataFrame:
    raw = quoted(path, ("WorkerId", "item", "zone", "RT", "word"))
    blank = raw["RT"].str.strip().isin(SKIPPED)
    time = numbers(raw.assign(RT=raw["RT"].mask(blank, "1")), "RT", path, remedy="correct the cell, or leave it blank")
    if (wrong := time <= 0).any():
        raise UserError(
            f"RT is {raw['RT'][wrong.idxmax()]!r}, not above 0",
            where=f"{path}, row {wrong.idxmax()}",
            remedy="correct the cell, or leave it blank",
        )
    part = pd.DataFrame({"document": raw["item"], "participant": raw["WorkerId"], "word": raw["word"].str.strip()})
    part["position"] = position(raw, "zone", path)
    return part.assign(trt=time.mask(blank), place=place_of(raw, path))


def _check(rows: pd.DataFrame) -> None:
    """One row per word and participant, and the same words for all."""
    twice = rows.duplicated([*KEY, "participant"])
    other = rows["word"] != rows.groupby(KEY)["word"].transform("first")
    for wrong, among in ((twice, [*KEY, "participant"]), (other, KEY)):
        if not wrong.any():
            continue
        row = rows.loc[wrong.idxmax()]
        first = rows[(rows[among] == row[among]).all(axis="columns")].iloc[0]
        words = f"{first['word']!r} and {row['word']!r} (the first is in {first['place']})"
        text = f"document {row['document']!r}, participant {row['participant']!r} has word {row['position']} twice"
        if among == KEY:
            text = f"document {row['document']!r} has two words at place {row['position']}"
        raise UserError(
            f"{text}: {words}",
            where=row["place"],
            remedy="give every word of a participant once, and the same words for all participants of a story",
        )
