"""The rows of a gaze corpus as its reader gives them: checked, in order, the same words for all participants.

A reader (gaze/readers/<name>.py) has `read(artifact, options, ledger)`, which gives one row per word and participant,
or one per word where its source holds means only:

    document      a paragraph, page or text: never split between folds
    sentence      its number in the document; without this column, documents are running text, cut by sentences.py
    position      the source's own number of the word in its sentence (in running text: in its document)
    word          as it was shown, punctuation attached
    participant   who read it; without this column, the rows are means, with n_participants and fix_prop
    n_fix, ffd, gd, gpt, trt    as far as the source has them (table.py)
    place         file and row, for messages

and a constant GAPS_ARE_FAULTS: whether positions count without gaps, so that one that is left out is a lost word.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import SPREADSHEET_ERRORS, numbers, one_spelling
from scriptorium.gaze.sentences import sentences
from scriptorium.gaze.table import MEASURES
from scriptorium.ledger import Ledger

SENTENCE = ["document", "sentence"]
TRIAL = [*SENTENCE, "participant"]  # one participant reads one sentence


def measure(raw: pd.DataFrame, column: str, path: Path, skipped: str = "") -> pd.Series:
    """A column of numbers of at least 0; cells equal to a word of `skipped`, such as a dot, are 0: not fixated.

    Raises UserError naming file and row.
    """
    remedy = "correct the cell; write 0 for a word that was skipped, and keep its row"
    return numbers(raw, column, path, minimum=0, missing=skipped, remedy=remedy)


def position(raw: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """A column of whole numbers of at least 0. Raises UserError naming file and row."""
    return numbers(raw, column, path, minimum=0, whole=True, remedy="correct the cell").astype(int)


def place_of(raw: pd.DataFrame, path: Path) -> list[str]:
    """The column `place` of a table that is indexed by row numbers."""
    return [f"{path}, row {row}" for row in raw.index]


def aligned(
    rows: pd.DataFrame, ledger: Ledger, *, gaps_are_faults: bool = True, disagreement: str = "error"
) -> pd.DataFrame:
    """Rows by document, sentence, participant and word_index (from 0), sentences numbered from 0, without gaps.

    disagreement: participants of a document with other words than the rest are an "error", or ("majority") left out
    of it with a note. Measures that the source lacks are NaN. Raises UserError naming file, row and participant.
    """
    means, running = "participant" not in rows, "sentence" not in rows
    rows = rows.reset_index(drop=True)
    given = {"participant": ""} if means else {}
    given |= {"sentence": 0} if running else {}
    rows = rows.assign(**given, **{name: np.nan for name in MEASURES if name not in rows})
    _check_words(rows)
    _check_names(rows, means)
    _check_unique(rows, running)
    rows = rows.sort_values([*TRIAL, "position"], kind="stable", ignore_index=True)
    if disagreement == "majority":
        rows = _majority(rows, ledger)
    _check_sentences(rows, gaps_are_faults)
    if running:  # all participants of a document have the same words by now, and so the same sentences
        of_trial = rows.groupby(TRIAL, sort=False)["word"]
        rows["sentence"] = of_trial.transform(lambda words: sentences(list(words)))
    else:
        rows["sentence"] = rows.groupby("document")["sentence"].rank(method="dense").astype(int) - 1
    rows["word_index"] = rows.groupby(TRIAL, sort=False).cumcount()
    rows = rows.sort_values([*TRIAL, "word_index"], kind="stable", ignore_index=True)
    return rows.drop(columns=["place", "position", *(["participant"] if means else [])])


def _check_words(rows: pd.DataFrame) -> None:
    """A sentence is rebuilt by joining its words with single blanks, so a word is one blank-separated piece."""
    wrong = rows["word"].map(lambda word: word.split() != [word])
    if wrong.any():
        row = rows.loc[wrong.idxmax()]
        raise UserError(
            f"{row['word']!r} is not one word",
            where=row["place"],
            remedy="give one word per row, without blanks in it or around it",
        )
    error = rows["word"].isin(SPREADSHEET_ERRORS)
    if error.any():
        row = rows.loc[error.idxmax()]
        raise UserError(
            f"{row['word']!r} is no word but an error of a spreadsheet",
            where=row["place"],
            remedy="format the column as text and type the word that was shown to the participants",
        )


def _check_names(rows: pd.DataFrame, means: bool) -> None:
    """All without a name would count as one document, and as one participant."""
    for column in ("document",) if means else ("document", "participant"):
        if (empty := rows[column].str.strip() == "").any():
            raise UserError(
                f"{column} is empty",
                where=rows["place"][empty.idxmax()],
                remedy=f"name the {column} in every row",
            )
        one_spelling(rows[column], column, rows["place"].tolist())


def _check_unique(rows: pd.DataFrame, running: bool) -> None:
    """Whoever gives a row twice, in a file or in two, doubles a word of the text that the participant read."""
    key = [*TRIAL, "position"]
    twice = rows.duplicated(key)
    if twice.any():
        row = rows.loc[twice.idxmax()]
        first = rows.loc[(rows[key] == row[key]).all(axis="columns").idxmax()]
        raise UserError(
            f"{_trial(row, running)} has word {row['position']} twice: {first['word']!r} and {row['word']!r} (the "
            f"first is in {first['place']})",
            where=row["place"],
            remedy="give every word of a participant once: leave out rows, or files, that repeat others; number the "
            "words of a sentence, and the sentences of all files together, without repetition",
        )


def _trial(row: pd.Series, running: bool) -> str:
    sentence = "" if running else f", sentence {row['sentence']}"
    participant = f", participant {row['participant']!r}" if row["participant"] else ""
    return f"document {row['document']!r}{sentence}{participant}"


def _majority(rows: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
    """Of every document, only the participants with its most common word sequence (ties: the first participant's)."""
    kept = []
    for document, group in rows.groupby("document", sort=True):
        sequences = {participant: tuple(own["word"]) for participant, own in group.groupby("participant", sort=True)}
        ((most_common, _),) = Counter(sequences.values()).most_common(1)
        for participant, sequence in sequences.items():
            if sequence != most_common:
                ledger.note(
                    f"gaze: participant {participant} is left out of document {document}: {len(sequence)} words that "
                    f"differ from the {len(most_common)} of the others"
                )
        kept.append(group[group["participant"].map(lambda p, s=sequences, m=most_common: s[p] == m)])
    return pd.concat(kept, ignore_index=True)


def _check_sentences(rows: pd.DataFrame, gaps_are_faults: bool) -> None:
    """Of rows sorted by document, sentence, participant, position: no gaps, and the same words for all participants.

    Their index is 0, 1, 2 ... Raises UserError naming the first fault.
    """
    trials = rows.groupby(TRIAL, sort=False)
    count, size = trials.cumcount(), trials["word"].transform("size")
    start = trials["position"].transform("min").clip(upper=1)
    of_sentence = rows.assign(count=count, size=size)
    same_place = of_sentence.groupby([*SENTENCE, "count"], sort=False)
    faults = {
        "gap": (rows["position"] != start + count) & gaps_are_faults,
        "size": size != of_sentence.groupby(SENTENCE, sort=False)["size"].transform("first"),
        "word": rows["word"] != same_place["word"].transform("first"),
    }
    for kind, wrong in faults.items():
        if not wrong.any():
            continue
        row = rows.loc[wrong.idxmax()]
        first = rows[(rows["document"] == row["document"]) & (rows["sentence"] == row["sentence"])].iloc[0]
        at = count[row.name]
        if kind == "gap":
            text = f"has word {row['position']} where word {start[row.name] + at} was expected"
            remedy = "number the words of a sentence 0, 1, 2 ... without gap, for every participant"
        elif kind == "size":
            text = f"has {size[row.name]} words, but {size[first.name]} for participant {first['participant']!r}"
            remedy = "give every participant all words of a sentence (n_fix 0 where one was skipped), or none of them"
        else:
            text = (
                f"word {at} is {row['word']!r}, but {rows['word'][first.name + at]!r} for participant "
                f"{first['participant']!r}"
            )
            remedy = "align the words of all participants before averaging"
        raise UserError(f"{_trial(row, False)}: {text}", where=row["place"], remedy=remedy)
