"""A laboratory's own interest-area report, exported by EyeLink's Data Viewer (tab-separated text)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.files.tables import members
from scriptorium.gaze import eyelink
from scriptorium.gaze.readers.spec import EyelinkOptions
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # areas that are no words leave gaps; a word that a single participant lacks is noticed


def read(artifact: Path, options: EyelinkOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant of .txt, .tsv and .xls files (Data Viewer gives its text files that name).

    A text is a document of running text; areas without a label are left out, with a note. Raises UserError naming
    file, row and remedy.
    """
    parts = []
    for path in members(artifact, ".txt", ".tsv", ".xls"):
        raw = eyelink.report(path, options.participant, options.document, ledger)
        parts.append(eyelink.rows(raw, options.participant, options.document, path, ledger))
    return pd.concat(parts)
