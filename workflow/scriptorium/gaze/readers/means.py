"""Exports of word means, such as those of Hollenstein et al. 2021 for ZuCo, GECO and others (docs/papers/cogbert.md
section 8.3).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import header, members, read_table
from scriptorium.gaze.readers.spec import MeansOptions
from scriptorium.gaze.rows import measure
from scriptorium.gaze.sentence_ids import number_words, place_by_sentence
from scriptorium.gaze.sentences import LONGEST, sentences
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = True

NAMES = {
    "n_fix": "n_fix",
    "ffd": "first_fix_dur",
    "gd": "first_pass_dur",
    "trt": "total_fix_dur",
    "fix_prop": "fix_prob",
}


def read(artifact: Path, options: MeansOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word: sentence_id, word_id, word, n_fix, first_fix_dur, first_pass_dur, total_fix_dur, fix_prob.

    With sentence_num, as some exports call it, and no word_id, the words of a sentence count in their order. Without
    either the file is one text, cut behind words that end in <eos> (which is taken off) or, if there is none, by
    `sentences`. Raises UserError naming file, row and remedy.
    """
    parts = []
    for path in members(artifact, ".csv", ".csv.gz", ".tsv"):
        columns = header(path)
        if "sentence_id" in columns:
            raw = read_table(path, ("sentence_id", "word_id", "word", *NAMES.values()))
        elif "sentence_num" in columns:
            raw = read_table(path, ("sentence_num", "word", *NAMES.values()))
            raw = number_words(raw.rename(columns={"sentence_num": "sentence_id"}), path)
        else:
            raw = _cut(read_table(path, ("word", *NAMES.values())), path)
        raw["word"] = raw["word"].str.strip()
        if options.blanks:
            raw["word"] = raw["word"].str.replace(r"\s+", options.blanks, regex=True)
        part = place_by_sentence(raw, path, options.sentences_per_document)
        for name, column in NAMES.items():
            part[name] = measure(raw, column, path)
        parts.append(part)
    return pd.concat(parts).assign(n_participants=options.participants)


def _cut(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table of one running text with sentence_id and word_id. Raises UserError where no sentence ends."""
    word = raw["word"].str.strip()
    marked = word.str.endswith("<eos>")
    cut = marked.shift(fill_value=False).cumsum() if marked.any() else sentences(list(word))
    raw = raw.assign(word=word.str.removesuffix("<eos>"), sentence_id=np.asarray(cut).astype(str))
    if (longest := raw["sentence_id"].value_counts().max()) > LONGEST:
        raise UserError(
            f"a sentence of {longest} words: the text has no punctuation to cut it by",
            where=path,
            remedy="add the columns sentence_id and word_id",
        )
    return number_words(raw, path)
