"""Gaze tables as sentences with the measures of their words: what the gaze predictor is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.gaze import folds as gaze
from scriptorium.linguistics import annotate

SENTENCE = ["corpus", "document", "sentence"]
PLACE = [*SENTENCE, "word_index"]


def read(words: Sequence[Path], measures: Sequence[str], *, complete: bool = True) -> pd.DataFrame:
    """All gaze tables as one, sorted by place: corpus, document, sentence, word_index, word, and the measures.

    words: manifests. A measure that a corpus does not have stays NaN. Raises UserError for a missing column, a
    negative or infinite value, a share above 1, a word that occurs twice, and, if they are to be `complete`, a measure
    that no corpus has.
    """
    tables = []
    for path in words:
        file = manifest.the_parquet(path)
        part = pd.read_parquet(file)
        if missing := [name for name in (*PLACE, "word", *measures) if name not in part.columns]:
            raise UserError(
                f"columns missing: {', '.join(missing)}", where=file, remedy="prepare this gaze corpus again"
            )
        for measure in measures:
            value = part[measure].to_numpy(np.float64)
            wrong = (value < 0) | np.isinf(value) | ((value > 1) & (measure == "fix_prop"))
            if wrong.any():
                row = part[wrong].iloc[0]
                place = "/".join(str(row[name]) for name in PLACE)
                raise UserError(
                    f"{measure} of word {place} is {row[measure]}",
                    where=file,
                    remedy="correct the corpus; an unknown value is an empty cell",
                )
        tables.append(part[[*PLACE, "word", *measures]])
    table = pd.concat(tables, ignore_index=True).sort_values(PLACE, ignore_index=True)
    where = ", ".join(map(str, words))
    if table.empty:
        raise UserError("there is no word to train on", where=where)
    if (double := table.duplicated(PLACE)).any():
        place = "/".join(map(str, table.loc[double, PLACE].iloc[0]))
        raise UserError(f"word {place} occurs twice", where=where, remedy="name every corpus once")
    for measure in measures:
        if complete and table[measure].isna().all():
            raise UserError(f"no word has a {measure}", where=where, remedy="leave it out of `measures`")
    return table


def sentences(table: pd.DataFrame, measures: Sequence[str]) -> tuple[list[list[str]], list[np.ndarray]]:
    """Words of each sentence, and their measures [words, measures] float64, in the table's order."""
    groups = [rows for _, rows in table.groupby(SENTENCE, sort=False)]
    return (
        [rows["word"].tolist() for rows in groups],
        [rows[list(measures)].to_numpy(np.float64) for rows in groups],
    )


def folds(table: pd.DataFrame, seed: int, count: int) -> np.ndarray:
    """Fold of each sentence, [sentences]: documents stay whole, and so do those that share a sentence."""
    texts = annotate.sentences(table)
    group = gaze.groups(texts)
    of_sentence = [group[key] for key in zip(texts["corpus"], texts["document"], strict=True)]
    fold_of = gaze.folds(seed, of_sentence, count)
    return np.array([fold_of[name] for name in of_sentence])
