"""Tables of word means whose sentences have ids, such as the shared tasks': where a word stands (ours)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import one_spelling
from scriptorium.gaze.rows import place_of, position

END_MARK = "<EOS>"


def place_by_sentence(raw: pd.DataFrame, path: Path, sentences_per_document: int = 1) -> pd.DataFrame:
    """document, sentence, position, word, place of a table with sentence_id, word_id and word; its index stays.

    So many sentences with following ids are one document. Raises UserError where ids that are no numbers cannot
    follow one another.
    """
    if (empty := raw["sentence_id"].str.strip() == "").any():
        where = f"{path}, row {empty.idxmax()}"
        raise UserError("the sentence's id is empty", where=where, remedy="name the sentence in every row")
    one_spelling(raw["sentence_id"], "sentence", place_of(raw, path))
    whole = raw["sentence_id"].str.fullmatch(r"\d{1,18}").all()
    if sentences_per_document > 1 and not whole:
        raise UserError(
            "sentence ids are no numbers, so none follow one another",
            where=path,
            remedy="leave the option sentences_per_document out",
        )
    part = raw[["word"]].copy()
    if whole:
        number = raw["sentence_id"].astype(int)
        part["document"] = (number // sentences_per_document).astype(str).str.zfill(6)
        part["sentence"] = number % sentences_per_document
    else:
        part["document"], part["sentence"] = raw["sentence_id"], 0
    return part.assign(position=position(raw, "word_id", path), place=place_of(raw, path))


def number_words(raw: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table with a word_id: the words of a sentence count in the order of the file.

    Raises UserError where a sentence goes on behind another one: then its rows are given twice, or mixed up.
    """
    begins = raw["sentence_id"].ne(raw["sentence_id"].shift())
    again = begins & raw["sentence_id"].where(begins).duplicated()
    if again.any():
        row = again.idxmax()
        raise UserError(
            f"sentence {raw['sentence_id'][row]} begins a second time",
            where=f"{path}, row {row}",
            remedy="give every sentence once, its words together and in order",
        )
    return raw.assign(word_id=raw.groupby("sentence_id").cumcount().astype(str))


def without_end_mark(raw: pd.DataFrame, path: Path) -> pd.Series:
    """Words without <EOS>. Raises UserError where it stands anywhere but at the end of a sentence."""
    last = raw["sentence_id"].ne(raw["sentence_id"].shift(-1))
    odd = raw["word"].str.contains(END_MARK, regex=False) & ~(last & raw["word"].str.endswith(END_MARK))
    if odd.any():
        row = odd.idxmax()
        raise UserError(
            f"{raw['word'][row]!r}: {END_MARK} inside a sentence",
            where=f"{path}, row {row}",
            remedy="keep the words of a sentence together and in order",
        )
    return raw["word"].str.removesuffix(END_MARK)
