"""Sentences without gaze, one per line: texts that a regressor must never be trained on (recipe: `exclude`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members, read_text, settle
from scriptorium.gaze.table import MEASURES
from scriptorium.ledger import Ledger


def read(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """One row per word of .txt files, every line a document of one sentence; all measures are NaN."""
    settle(options, "config/config.yaml, gaze.corpora, options")
    rows = []
    for path in members(artifact, ".txt"):
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            rows += [(f"{path.stem}/{number:06}", index, word) for index, word in enumerate(line.split())]
    if not rows:
        raise UserError("there is not one word", where=artifact, remedy="give one sentence per line")
    frame = pd.DataFrame(rows, columns=["document", "word_index", "word"])
    return frame.assign(sentence=0, n_readers=0, fix_prop=np.nan, **dict.fromkeys(MEASURES, np.nan))
