"""CELER: English sentences, read by learners and native speakers (Berzak et al. 2022): sent_ia.tsv.

The columns are those of the repository's documentation (berzak/celer, documentation/data_variables.md).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members
from scriptorium.gaze import eyelink
from scriptorium.gaze.readers.spec import CelerOptions
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = False  # a word that a single participant lacks is noticed


def read(artifact: Path, options: CelerOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant; a sentence is a document. Learners and native speakers alike: the report does
    not say who is who.

    texts: shared leaves the sentences out that one participant alone has read. Raises UserError naming file and row.
    """
    parts = []
    for path in members(artifact, ".tsv"):
        raw = eyelink.report(path, "list", "sentenceid", ledger, ("shared_text",))
        if options.texts == "shared":
            raw = _shared(raw, path, ledger)
        parts.append(eyelink.rows(raw, "list", "sentenceid", path, ledger).assign(sentence=0))
    return pd.concat(parts)


def _shared(raw: pd.DataFrame, path: Path, ledger: Ledger) -> pd.DataFrame:
    flag = raw["shared_text"].str.strip()
    if (odd := ~flag.isin(["0", "1"])).any():
        row = odd.idxmax()
        raise UserError(
            f"shared_text is {raw['shared_text'][row]!r}, neither 0 nor 1",
            where=f"{path}, row {row}",
            remedy="correct the cell, or set the option texts to all",
        )
    if not (flag == "1").any():
        raise UserError("no sentence is shared", where=path, remedy="set the option texts to all")
    ledger.note(f"gaze: {(flag == '0').sum()} rows of {path.name} are of sentences that one participant alone has read")
    return raw[flag == "1"]
