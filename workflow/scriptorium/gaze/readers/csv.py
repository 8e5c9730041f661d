"""The format for data of your own (ours): one row per word and participant."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import header, members, read_table
from scriptorium.gaze.readers.spec import DurationOptions
from scriptorium.gaze.reports import measures
from scriptorium.gaze.rows import place_of, position
from scriptorium.gaze.table import DURATIONS, MEASURES
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = True

# Other spellings of the columns
ALIASES = {"sentence": "sentence_id", "word_index": "word_id", "participant": "participant_id"}
# What a participant was called before
RENAMED = {"reader": "participant", "reader_id": "participant_id"}


def read(artifact: Path, options: DurationOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of .csv or .tsv files with columns document, sentence, word_index, word, participant, n_fix and optionally
    ffd, gd, gpt, trt. sentence_id, word_id and participant_id mean the same.

    word_index counts from 0 or 1 without gap or repetition in every sentence of every participant; all participants
    of a sentence have the same words. A skipped word may have blank measures. With sentence_id and no document every
    sentence is a document, and its id may be any text. Raises UserError naming file, row and remedy otherwise.
    """
    return pd.concat([_table(path, ledger) for path in members(artifact, ".csv", ".tsv")])


def _table(path: Path, ledger: Ledger) -> pd.DataFrame:
    columns = header(path)
    for before, now in RENAMED.items():
        if before in columns and not {"participant", "participant_id"} & {*columns}:
            raise UserError(
                f"column {before!r} is now called {now!r}: a reader is a file format here, a participant is a person",
                where=path,
                remedy=f"rename the column to {now}",
            )
    spelling = {alias: name for name, alias in ALIASES.items() if alias in columns and name not in columns}
    alone = "document" not in columns and "sentence_id" in spelling
    if alone:
        spelling["sentence_id"] = "document"
    wanted = ("document", *(() if alone else ("sentence",)), "word_index", "word", "participant", "n_fix")
    raw = read_table(path, tuple({v: k for k, v in spelling.items()}.get(name, name) for name in wanted), DURATIONS)
    raw = raw.rename(columns=spelling)
    part = raw[["document", "word", "participant"]].copy()
    part["sentence"] = 0 if alone else position(raw, "sentence", path)
    part["position"] = position(raw, "word_index", path)
    found = measures(raw, {name: name for name in MEASURES if name in raw}, path, ledger)
    return part.join(found).assign(place=place_of(raw, path))
