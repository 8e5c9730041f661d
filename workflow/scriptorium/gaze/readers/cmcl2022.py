"""The shared task CMCL 2022 (six languages): means over participants, scaled to 0-100."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import members, read_table
from scriptorium.gaze.readers.spec import Cmcl2022Options
from scriptorium.gaze.rows import measure
from scriptorium.gaze.sentence_ids import place_by_sentence, without_end_mark
from scriptorium.gaze.table import MEASURES
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # word_id has gaps as released

NAMES = {"ffd": "FFDAvg", "trt": "TRTAvg"}


def read(artifact: Path, options: Cmcl2022Options, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word: language, sentence_id, word_id, word, FFDAvg, TRTAvg.

    As released, some words of Russian sentences have two rows with different numbers; their mean is taken, with a
    note. The task has no n_fix, so that a corpus of it cannot supervise the regressor. Its ffd and trt stay on the
    task's scale of 0-100, whose factors are not found; they are comparable within the corpus only.
    """
    parts = []
    for path in members(artifact, ".csv", ".csv.gz"):
        raw = read_table(path, ("language", "sentence_id", "word_id", "word", *NAMES.values()))
        if options.language:
            if options.language not in (there := set(raw["language"])):
                raise UserError(
                    f"no sentence in language {options.language!r}, {nearest(options.language, there)}",
                    where=path,
                    remedy="correct the option `language`",
                )
            raw = raw[raw["language"] == options.language].copy()
        raw["word"] = without_end_mark(raw, path)
        part = place_by_sentence(raw, path)
        for name, column in NAMES.items():
            part[name] = measure(raw, column, path)
        parts.append(_mean_of_two(part, path, ledger))
    ledger.note(
        f"gaze: no {', '.join(n for n in MEASURES if n not in NAMES)} in CMCL 2022; "
        f"{', '.join(NAMES)} are on its scale of 0-100"
    )
    return pd.concat(parts).assign(n_participants=0, fix_prop=np.nan)


def _mean_of_two(part: pd.DataFrame, path: Path, ledger: Ledger) -> pd.DataFrame:
    """One row for a word that has several with different numbers. Equal rows stay, and are refused as given twice."""
    word = ["document", "position", "word"]
    equal = part.duplicated([*word, *NAMES], keep=False).groupby([part[key] for key in word]).transform("any")
    several = part.duplicated(word) & ~equal
    if several.any():
        means = part[~equal].groupby(word)[list(NAMES)].transform("mean")
        part = part.assign(**{name: means[name].reindex(part.index).fillna(part[name]) for name in NAMES})[~several]
        ledger.note(
            f"gaze: {several.sum()} words of {path.name} have several rows with different numbers, whose mean is taken"
        )
    return part
