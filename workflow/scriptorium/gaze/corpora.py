"""Readers of eye-tracking corpora: whatever the source looks like, one row per word with means over readers.

The gaze table: corpus str, document str (a paragraph, never split between folds), sentence int (0.. within the
document), word_index int (0.. within the sentence), word str, n_fix float (fixations), n_readers int (0: the source
does not say), ffd, gd, gpt, trt float (first fixation, gaze, go-past and total reading time in ms), fix_prop float
(share of the readers with a fixation). Means include zeros: a skipped word was looked at zero times. What a source
does not have is NaN for all its words, never 0; training refuses a corpus without n_fix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from scriptorium.files.tables import choose
from scriptorium.gaze.readers import cmcl, geco, generic, means, onestop, plain, provo, zuco
from scriptorium.gaze.sentences import sentences
from scriptorium.gaze.table import COLUMNS, DURATIONS, MEASURES, UNITS, average, check_values, summary
from scriptorium.ledger import Ledger

__all__ = ["COLUMNS", "MEASURES", "READERS", "load", "read", "sentences"]

WHERE = "config/config.yaml, gaze.corpora"

READERS: dict[str, Callable[[Path, Mapping[str, Any], Ledger], pd.DataFrame]] = {
    "onestop": onestop.read,
    "csv": generic.read,
    "zuco": zuco.read,
    "geco": geco.read,
    "provo": provo.read,
    "cmcl2021": cmcl.read_2021,
    "cmcl2022": cmcl.read_2022,
    "means": means.read,
    "text": plain.read,
}
# The unit of a source's durations where it is not ms; the option duration_unit overrides it
RAW_UNITS = {"zuco": "samples500", "cmcl2021": "samples500"}
UNITLESS = ("cmcl2022", "text")  # no durations, or on a scale whose factor is not published


def read(corpus: str, reader: str, options: Mapping[str, Any], artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The gaze table of a corpus. artifact: manifest of the raw data. Raises UserError naming file, row and remedy."""
    return load(corpus, reader, options, artifact, ledger)[0]


def load(
    corpus: str, reader: str, options: Mapping[str, Any], artifact: Path, ledger: Ledger
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The gaze table, and the rows (one per word and reader) that it averages: None where the source has means only.

    Every reader takes the option `duration_unit` (ms | samples500) beside its own, unless its durations have none.
    """
    function, options = choose(reader, READERS, "gaze reader", WHERE), dict(options)
    factor = 1.0
    if reader not in UNITLESS:
        unit = options.pop("duration_unit", RAW_UNITS.get(reader, "ms"))
        factor = choose(unit, UNITS, "duration_unit", f"{WHERE}, options")
    frame = function(artifact, options, ledger)
    frame[list(DURATIONS)] *= factor
    words = average(frame)
    words.insert(0, "corpus", corpus)
    if reader not in UNITLESS:
        check_values(words, artifact)
    ledger.metrics(0, {f"gaze/{name}": value for name, value in summary(words).items()})
    return words[list(COLUMNS)], frame if "reader" in frame else None
