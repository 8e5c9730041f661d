"""Readers of eye-tracking corpora: whatever the source looks like, one row per word with means over readers.

The gaze table: corpus str, document str (a paragraph, never split between folds), sentence int (0.. within the
document), word_index int (0.. within the sentence), word str, n_fix float (fixations), n_readers int, ffd, gd, gpt,
trt float (first fixation, gaze, go-past and total reading time in ms; NaN where the source has none), fix_prop float
(share of the readers with a fixation). Means include zeros: a skipped word was looked at zero times.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scriptorium.data.tables import choose, members, numbers, read_table, settle
from scriptorium.errors import UserError
from scriptorium.ledger import Ledger

MEASURES = ("n_fix", "ffd", "gd", "gpt", "trt")
COLUMNS = ("corpus", "document", "sentence", "word_index", "word", "n_fix", "n_readers", *MEASURES[1:], "fix_prop")

# A period after these does not end a sentence; after a dotted abbreviation only these words open one (ours)
TITLES = {"mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "gen.", "col.", "sen.", "rep.", "rev.", "vs.", "e.g.", "i.e."}
OPENERS = {"the", "a", "an", "this", "that", "these", "he", "she", "it", "they", "we", "you", "i", "his", "her", "its"}
CLOSING, OPENING = "\"'”’»)]}", "\"'“‘«([{"


def read(corpus: str, reader: str, options: Mapping[str, Any], artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The gaze table of a corpus. artifact: manifest of the raw data. Raises UserError naming file, row and remedy."""
    frame = choose(reader, READERS, "gaze reader", "config/config.yaml, gaze.corpora")(artifact, options, ledger)
    words = _average(frame)
    words.insert(0, "corpus", corpus)
    ledger.metrics(
        0,
        {
            "gaze/words": len(words),
            "gaze/documents": words["document"].nunique(),
            "gaze/sentences": len(words[["document", "sentence"]].drop_duplicates()),
            "gaze/readers": words["n_readers"].max(),
            "gaze/mean_n_fix": words["n_fix"].mean(),
            "gaze/share_never_fixated": (words["n_fix"] == 0).mean(),
        },
    )
    return words[list(COLUMNS)]


def read_onestop(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """OneStop Eye Movements, word-level table of EyeLink's interest areas (Berzak et al. 2025).

    First readings only. Where readers of a paragraph disagree on its words, the word sequence of the majority
    counts and the other readers' paragraph is dropped (with a note in the ledger). Sentences are cut by `sentences`.
    """
    settle(options, "config/config.yaml, gaze.corpora, options")
    # EyeLink's names; a dot or an empty cell means that there was no fixation to measure
    names = {
        "n_fix": "IA_FIXATION_COUNT",
        "ffd": "IA_FIRST_FIXATION_DURATION",
        "gd": "IA_FIRST_RUN_DWELL_TIME",
        "gpt": "IA_REGRESSION_PATH_DURATION",
        "trt": "IA_DWELL_TIME",
    }
    required = ("participant_id", "unique_paragraph_id", "IA_ID", "IA_LABEL", *names.values())
    parts = []
    for path in members(artifact, ".csv"):
        raw = read_table(path, required, ("repeated_reading_trial",))
        if "repeated_reading_trial" in raw:
            raw = raw[raw["repeated_reading_trial"].str.lower() != "true"]
        part = {"document": raw["unique_paragraph_id"], "reader": raw["participant_id"], "word": raw["IA_LABEL"]}
        part["position"] = numbers(raw, "IA_ID", path, whole=True).astype(int)
        for measure, column in names.items():
            missing = "" if measure == "n_fix" else ". "
            part[measure] = numbers(raw, column, path, minimum=0, missing=missing)
        part = pd.DataFrame(part)
        _check_words(part, path)
        parts.append(part)
    frame = pd.concat(parts).sort_values(["document", "reader", "position"], kind="stable")
    frame = _majority(frame, ledger)
    order = frame.groupby(["document", "reader"], sort=False)
    frame["sentence"] = order["word"].transform(lambda words: sentences(list(words)))
    frame["word_index"] = frame.groupby(["document", "reader", "sentence"], sort=False).cumcount()
    return frame.drop(columns="position")


def read_csv(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> pd.DataFrame:
    """The generic reader (ours): .csv or .tsv with columns document, sentence, word_index, word, reader, n_fix and
    optionally ffd, gd, gpt, trt (ms).

    One row per word and reader. word_index counts from 0 or 1 without gap or repetition in every sentence of every
    reader; all readers of a sentence have the same words. Raises UserError naming file, row and remedy otherwise.
    """
    settle(options, "config/config.yaml, gaze.corpora, options")
    parts = []
    for path in members(artifact, ".csv", ".tsv"):
        raw = read_table(path, ("document", "sentence", "word_index", "word", "reader", "n_fix"), MEASURES[1:])
        part = raw[["document", "word", "reader"]].copy()
        for column in ("sentence", "word_index"):
            part[column] = numbers(raw, column, path, minimum=0, whole=True).astype(int)
        for measure in MEASURES:
            part[measure] = numbers(raw, measure, path, minimum=0) if measure in raw else np.nan
        _check_words(part, path)
        parts.append(part.assign(place=[f"{path}, row {row}" for row in part.index]))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.sort_values(["document", "sentence", "reader", "word_index"], kind="stable", ignore_index=True)
    _check_sentences(frame)
    frame["word_index"] = frame.groupby(["document", "sentence", "reader"]).cumcount()
    frame["sentence"] = frame.groupby("document")["sentence"].rank(method="dense").astype(int) - 1
    return frame


READERS: dict[str, Callable[[Path, Mapping[str, Any], Ledger], pd.DataFrame]] = {
    "onestop": read_onestop,
    "csv": read_csv,
}


def sentences(words: list[str]) -> list[int]:
    """Sentence number of each word (ours): cut after . ? ! with closing quotes or brackets behind them.

    No cut before a word in lower case ("Stop!" he said), after a title (Dr.) or an initial; after a dotted
    abbreviation (U.K.) only before a word that often opens a sentence.
    """
    numbered, current = [], 0
    for word, following in zip(words, [*words[1:], ""], strict=True):
        numbered.append(current)
        current += _ends_sentence(word, following.lstrip(OPENING))
    return numbered


def _ends_sentence(word: str, following: str) -> bool:
    bare = word.rstrip(CLOSING)
    if not bare.endswith((".", "?", "!", "…")) or following[:1].islower():
        return False
    core = bare.lstrip(OPENING)
    if core.lower() in TITLES:
        return False
    if re.fullmatch(r"(\w\.)+", core):
        return following.lower() in OPENERS
    return True


def _check_words(frame: pd.DataFrame, path: Path) -> None:
    """A sentence is rebuilt by joining its words with single blanks, so a word is one blank-separated piece."""
    wrong = frame["word"].map(lambda word: len(word.split()) != 1 or word != word.strip())
    if wrong.any():
        row = wrong.idxmax()
        raise UserError(
            f"{frame['word'][row]!r} is not one word",
            where=f"{path}, row {row}",
            remedy="give one word per row, without blanks in it or around it",
        )


def _majority(frame: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
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


def _check_sentences(frame: pd.DataFrame) -> None:
    """Check a frame sorted by document, sentence, reader, word_index: no gaps, and the same words for all readers."""
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


def _average(frame: pd.DataFrame) -> pd.DataFrame:
    """Means over readers, one row per word, sorted by document and position."""
    keys = ["document", "sentence", "word_index"]
    groups = frame.assign(fixated=frame["n_fix"] > 0).groupby(keys, sort=True)
    words = groups[list(MEASURES)].mean()
    words["fix_prop"] = groups["fixated"].mean()
    words["n_readers"] = groups["reader"].nunique()
    words["word"] = groups["word"].first()
    return words.reset_index()
