"""Eye-tracking corpora, whatever their source looks like: one row per word with means over participants.

The gaze table: corpus str, document str (a paragraph, never split between folds), sentence int (0.. within the
document), word_index int (0.. within the sentence), word str, n_fix float (fixations), n_participants int (0: the
source does not say), ffd, gd, gpt, trt float (first fixation, gaze, go-past and total reading time in ms), fix_prop
float (share of the participants with a fixation). Means include zeros: a skipped word was looked at zero times. What a
source does not have is NaN for all its words, never 0; training refuses a corpus without n_fix.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scriptorium import named
from scriptorium.gaze.rows import aligned
from scriptorium.gaze.sentences import LONGEST
from scriptorium.gaze.spec import GazeFormat
from scriptorium.gaze.table import COLUMNS, DURATIONS, MEASURES, UNITS, average, check_fixations, check_values, summary
from scriptorium.ledger import Ledger

__all__ = ["COLUMNS", "MEASURES", "load", "read"]


def read(corpus: str, reader: str, options: Mapping[str, Any], artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The gaze table of a corpus, of plain options. Raises UserError also for an unknown reader or option."""
    source = GazeFormat.parse({"reader": reader, "options": options}, f"gaze corpus {corpus!r}")
    return load(corpus, source, artifact, ledger)[0]


def load(corpus: str, source: GazeFormat, artifact: Path, ledger: Ledger) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The gaze table, and the rows (one per word and participant) behind it: None where the source has means only.

    source: reader and options; artifact: manifest of the raw data. Raises UserError naming file, row and remedy.
    """
    reader, options = named.load("scriptorium.gaze.readers", source.reader), source.options
    rows = aligned(
        reader.read(artifact, options, ledger),
        ledger,
        gaps_are_faults=reader.GAPS_ARE_FAULTS,
        disagreement=getattr(options, "disagreement", "error"),
    )
    unit = getattr(options, "duration_unit", None)  # none: the source has no durations in a known unit
    if unit:
        rows[list(DURATIONS)] *= UNITS[unit]
    words = average(rows)
    words.insert(0, "corpus", corpus)
    if unit:
        check_values(words, artifact)
        check_fixations(words, artifact, ledger)
    if (words["n_participants"] == 1).all():
        ledger.note(
            f"gaze: {corpus} was read by one participant: its words are no means, and there is no noise ceiling"
        )
    long = int((words.groupby(["document", "sentence"]).size() > LONGEST).sum())
    if long:
        ledger.note(
            f"gaze: {long} sentences of {corpus} have more than {LONGEST} words: its text marks no ends of them"
        )
    ledger.metrics(0, {f"gaze/{name}": value for name, value in summary(words).items()})
    return words[list(COLUMNS)], rows if "participant" in rows else None
