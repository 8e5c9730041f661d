"""The gaze table and the checks that every reader of a corpus shares.

A reader of raw data gives rows of one word and one reader: document, sentence, word_index, word, reader, n_fix, ffd,
gd, gpt, trt. An export of means gives rows of one word, without `reader` but with n_readers and fix_prop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import choose, settle
from scriptorium.ledger import Ledger

DURATIONS = ("ffd", "gd", "gpt", "trt")
MEASURES = ("n_fix", *DURATIONS)
COLUMNS = ("corpus", "document", "sentence", "word_index", "word", "n_fix", "n_readers", *DURATIONS, "fix_prop")

# Durations are in ms. ZuCo's releases count samples at 500 Hz (docs/papers/cogbert.md section 9.1)
UNITS = {"ms": 1.0, "samples500": 2.0}
SHORTEST, LONGEST = 40, 3000  # ms, of the mean of a duration over the readers who fixated the word (ours)


def check_words(frame: pd.DataFrame, path: Path) -> None:
    """A sentence is rebuilt by joining its words with single blanks, so a word is one blank-separated piece.

    Raises UserError naming the row: `frame` is indexed by row numbers, or has a column `place`.
    """
    wrong = frame["word"].map(lambda word: len(word.split()) != 1 or word != word.strip())
    if wrong.any():
        row = wrong.idxmax()
        raise UserError(
            f"{frame['word'][row]!r} is not one word",
            where=frame["place"][row] if "place" in frame else f"{path}, row {row}",
            remedy="give one word per row, without blanks in it or around it",
        )


def disagreement(options: Mapping[str, Any]) -> str:
    """The option of readers whose releases hold differing word sequences: "error" or "majority"."""
    where = "config/config.yaml, gaze.corpora, options"
    how = settle(options, where, disagreement="error")["disagreement"]
    return choose(how, {name: name for name in ("error", "majority")}, "disagreement", where)


def majority(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Of every document, only the readers whose word sequence is the most common one (ties: the first reader's)."""
    kept = []
    for document, group in frame.groupby("document", sort=True):
        sequences = {reader: tuple(rows["word"]) for reader, rows in group.groupby("reader", sort=True)}
        ((most_common, _),) = Counter(sequences.values()).most_common(1)
        for reader, sequence in sequences.items():
            if sequence != most_common:
                ledger.note(
                    f"gaze: reader {reader} left out of paragraph {document}: {len(sequence)} words that differ from "
                    f"the other readers' {len(most_common)}"
                )
        kept.append(group[group["reader"].map(lambda r, s=sequences, m=most_common: s[r] == m)])
    return pd.concat(kept)


def check_sentences(frame: pd.DataFrame) -> None:
    """Check a frame sorted by document, sentence, reader, word_index: no gaps, and the same words for all readers.

    Its index is 0, 1, 2 ..., its column `place` names file and row. Raises UserError naming the first fault.
    """
    sentence = ["document", "sentence"]
    trials = frame.groupby([*sentence, "reader"], sort=False)
    count, size = trials.cumcount(), trials["word"].transform("size")
    start = trials["word_index"].transform("min").clip(upper=1)
    position = frame.assign(count=count).groupby([*sentence, "count"], sort=False)
    faults = {
        "word_index": frame["word_index"] != start + count,
        "size": size != frame.assign(size=size).groupby(sentence, sort=False)["size"].transform("first"),
        "word": frame["word"] != position["word"].transform("first"),
    }
    for kind, wrong in faults.items():
        if not wrong.any():
            continue
        row = frame.loc[wrong.idxmax()]
        first = frame[(frame["document"] == row["document"]) & (frame["sentence"] == row["sentence"])].iloc[0]
        at = count[row.name]
        if kind == "word_index":
            text = f"word_index {row['word_index']} where {start[row.name] + at} was expected"
            remedy = "number the words of a sentence 0, 1, 2 ... without gap or repetition, for every reader"
        elif kind == "size":
            text = f"has {size[row.name]} words, but {size[first.name]} for reader {first['reader']!r}"
            remedy = "give every reader all words of a sentence (n_fix 0 where one was skipped), or none of them"
        else:
            text = (
                f"word {at} is {row['word']!r}, but {frame['word'][first.name + at]!r} for reader {first['reader']!r}"
            )
            remedy = "align the words of all readers before averaging"
        where = f"document {row['document']!r}, sentence {row['sentence']}, reader {row['reader']!r}"
        raise UserError(f"{where}: {text}", where=row["place"], remedy=remedy)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows sorted and checked by `check_sentences`, with word_index and sentence numbered from 0 without gaps."""
    order = ["document", "sentence", "reader", "word_index"]
    frame = frame.sort_values(order, kind="stable", ignore_index=True)
    check_sentences(frame)
    frame["word_index"] = frame.groupby(["document", "sentence", "reader"]).cumcount()
    frame["sentence"] = frame.groupby("document")["sentence"].rank(method="dense").astype(int) - 1
    return frame.drop(columns="place")


def average(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over readers, zeros included, one row per word, sorted by document and position."""
    keys = ["document", "sentence", "word_index"]
    if "reader" not in frame:  # means already
        if (twice := frame.duplicated(keys)).any():
            row = frame[twice].iloc[0]
            raise UserError(
                f"sentence {row['sentence']} of document {row['document']!r} stands there twice",
                where="the files of this corpus taken together",
                remedy="number the sentences of all files without repetition, or make each file a corpus",
            )
        return frame.sort_values(keys, kind="stable", ignore_index=True)
    groups = frame.assign(fixated=frame["n_fix"] > 0).groupby(keys, sort=True)
    words = groups[list(MEASURES)].mean()
    words["fix_prop"] = groups["fixated"].mean()
    words["n_readers"] = groups["reader"].nunique()
    words["word"] = groups["word"].first()
    return words.reset_index()


def check_values(words: pd.DataFrame, where: Path) -> None:
    """Catch a mix-up of units before it reaches a model. Raises UserError naming the column and the option.

    A duration's mean over the readers who fixated a word must lie between 40 and 3000 ms; a share between 0 and 1.
    """
    if (words["fix_prop"] > 1 + 1e-9).any():
        row = words[words["fix_prop"] > 1 + 1e-9].iloc[0]
        raise UserError(
            f"fix_prop is {row['fix_prop']:g} for {row['word']!r} in document {row['document']!r}, not a share",
            where=where,
            remedy="give shares from 0 to 1, not percent",
        )
    for column in DURATIONS:
        known = words[words[column].notna() & words["fix_prop"].notna()]
        looks = known["fix_prop"].sum()
        mean = known[column].sum() / looks if looks else np.nan
        if mean < SHORTEST or mean > LONGEST:
            raise UserError(
                f"the mean {column} of a fixated word is {mean:.4g} ms, outside {SHORTEST} to {LONGEST} ms",
                where=f"{where}, column {column}",
                remedy=f"set the reader's option duration_unit ({' | '.join(UNITS)}) to the unit of the raw data, or "
                "convert the column to ms",
            )


def summary(words: pd.DataFrame) -> dict[str, float]:
    """Counts and means of a gaze table; NaN where the source has no n_fix."""
    known = words["n_fix"].notna().any()
    return {
        "words": len(words),
        "documents": words["document"].nunique(),
        "sentences": len(words[["document", "sentence"]].drop_duplicates()),
        "readers": words["n_readers"].max(),
        "mean_n_fix": words["n_fix"].mean(),
        "share_never_fixated": (words["n_fix"] == 0).mean() if known else float("nan"),
    }
