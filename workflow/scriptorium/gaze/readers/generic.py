"""The generic reader, for data of your own (ours)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.files.tables import members, numbers, read_table, settle
from scriptorium.gaze.table import DURATIONS, MEASURES, check_words, in_order
from scriptorium.ledger import Ledger

# Other spellings of the columns
ALIASES = {"sentence": "sentence_id", "word_index": "word_id", "reader": "reader_id"}


def read(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of .csv or .tsv files with columns document, sentence, word_index, word, reader, n_fix and optionally
    ffd, gd, gpt, trt (ms). sentence_id, word_id and reader_id mean the same.

    One row per word and reader. word_index counts from 0 or 1 without gap or repetition in every sentence of every
    reader; all readers of a sentence have the same words. With sentence_id and no document every sentence is a
    document, and its id may be any text. Raises UserError naming file, row and remedy otherwise.
    """
    settle(options, "config/config.yaml, gaze.corpora, options")
    frame = pd.concat([_table(path) for path in members(artifact, ".csv", ".tsv")], ignore_index=True)
    return in_order(frame)


def _table(path: Path) -> pd.DataFrame:
    header = _header(path)
    spelling = {alias: name for name, alias in ALIASES.items() if alias in header and name not in header}
    alone = "document" not in header and "sentence_id" in spelling
    if alone:
        spelling["sentence_id"] = "document"
    wanted = ("document", *(() if alone else ("sentence",)), "word_index", "word", "reader", "n_fix")
    raw = read_table(path, tuple({v: k for k, v in spelling.items()}.get(name, name) for name in wanted), DURATIONS)
    raw = raw.rename(columns=spelling)
    part = raw[["document", "word", "reader"]].copy()
    part["sentence"] = 0 if alone else numbers(raw, "sentence", path, minimum=0, whole=True).astype(int)
    part["word_index"] = numbers(raw, "word_index", path, minimum=0, whole=True).astype(int)
    for measure in MEASURES:
        part[measure] = numbers(raw, measure, path, minimum=0) if measure in raw else np.nan
    check_words(part, path)
    return part.assign(place=[f"{path}, row {row}" for row in part.index])


def _header(path: Path) -> set[str]:
    with path.open("rb") as handle:
        line = handle.readline().decode("utf-8-sig", errors="replace").strip()
    return {name.strip('" ') for name in line.split("\t" if path.suffix == ".tsv" else ",")}
