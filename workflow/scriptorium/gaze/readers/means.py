"""Exports of word means, such as those of Hollenstein et al. 2021 for ZuCo, GECO and others (docs/papers/cogbert.md
section 8.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import members, numbers, read_table, settle
from scriptorium.gaze.sentences import sentences
from scriptorium.gaze.table import check_words, in_order
from scriptorium.ledger import Ledger

NAMES = {
    "n_fix": "n_fix",
    "ffd": "first_fix_dur",
    "gd": "first_pass_dur",
    "trt": "total_fix_dur",
    "fix_prop": "fix_prob",
}

LONGEST_SENTENCE = 200  # words: more than that in a running text and our rule has found no ends (ours)


def read(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """Rows of one word: sentence_id, word_id, word, n_fix, first_fix_dur, first_pass_dur, total_fix_dur, fix_prob.

    Without sentence_id the file is one text, cut behind words that end in <eos> (which is taken off) or, if there is
    none, by `sentences`. Options: `readers`, how many the means are over (0: not known); `sentences_per_document`
    (1): so many sentences with following ids are never split between folds; `blanks`: what stands for a blank inside
    a word (empty: such a word is an error). Raises UserError naming file, row and remedy.
    """
    where = "config/config.yaml, gaze.corpora, options"
    settled = settle(options, where, readers=0, sentences_per_document=1, blanks="")
    parts = []
    for path in members(artifact, ".csv", ".csv.gz", ".tsv"):
        raw = read_table(path, ("word", *NAMES.values()), ("sentence_id", "word_id"))
        raw["word"] = raw["word"].str.strip()
        if settled["blanks"]:
            raw["word"] = raw["word"].str.replace(r"\s+", settled["blanks"], regex=True)
        if "sentence_id" not in raw:
            raw = _cut(raw, path)
        elif "word_id" not in raw:
            read_table(path, ("word_id",))  # names the missing column
        part = in_sentences(raw, path, settled["sentences_per_document"])
        for measure, column in NAMES.items():
            part[measure] = numbers(raw, column, path, minimum=0)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).assign(gpt=np.nan, n_readers=settled["readers"])


def _cut(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table of one running text with sentence_id and word_id. Raises UserError where no sentence ends."""
    marked = raw["word"].str.endswith("<eos>")
    cut = marked.shift(fill_value=False).cumsum() if marked.any() else sentences(list(raw["word"]))
    raw = raw.assign(word=raw["word"].str.removesuffix("<eos>"), sentence_id=np.asarray(cut).astype(str))
    raw["word_id"] = raw.groupby("sentence_id").cumcount().astype(str)
    if (longest := raw["sentence_id"].value_counts().max()) > LONGEST_SENTENCE:
        raise UserError(
            f"a sentence of {longest} words: the text has no punctuation to cut it by",
            where=path,
            remedy="add the columns sentence_id and word_id",
        )
    return raw


def in_sentences(raw: pd.DataFrame, path: Path, block: int = 1) -> pd.DataFrame:
    """document, sentence, word_index, word of a table with sentence_id and word_id, in its order and with its index.

    `block` sentences with following numbers are one document. Raises UserError naming row and remedy.
    """
    if block < 1:
        raise UserError(f"option sentences_per_document is {block}", where=path, remedy="give a number of at least 1")
    whole = raw["sentence_id"].str.fullmatch(r"\d+").all()
    if block > 1 and not whole:
        raise UserError(
            "sentence ids are no numbers, so none follow one another",
            where=path,
            remedy="leave the option sentences_per_document out",
        )
    part = pd.DataFrame({"word": raw["word"], "reader": "the mean"})
    number = raw["sentence_id"].astype(int) if whole else None
    part["document"] = (number // block).astype(str).str.zfill(6) if whole else raw["sentence_id"]
    part["sentence"] = number % block if whole else 0
    part["word_index"] = numbers(raw, "word_id", path, minimum=0, whole=True).astype(int)
    part["place"] = [f"{path}, row {row}" for row in part.index]
    check_words(part, path)
    checked = in_order(part.assign(row=part.index)).set_index("row")
    return checked.reindex(part.index).drop(columns="reader")
