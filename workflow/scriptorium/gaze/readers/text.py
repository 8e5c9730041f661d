"""Sentences without gaze, one per line: texts that a regressor must never be trained on (recipe: `exclude`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members, read_text
from scriptorium.gaze.readers.spec import ReaderOptions
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = True


def read(artifact: Path, options: ReaderOptions, ledger: Ledger) -> pd.DataFrame:
    """One row per word of .txt files, every line a document of one sentence, named <file>/<line>; no measures."""
    rows = []
    for path in members(artifact, ".txt"):
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            place = f"{path}, line {number}"
            rows += [(f"{path.stem}/{number:06}", at, word, place) for at, word in enumerate(line.split())]
    if not rows:
        raise UserError("there is not one word", where=artifact, remedy="give one sentence per line")
    frame = pd.DataFrame(rows, columns=["document", "position", "word", "place"])
    return frame.assign(sentence=0, n_participants=0, fix_prop=np.nan)
