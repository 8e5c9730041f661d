"""Reads the splits of a prepared task, whose tables prepare_task wrote, and checks their labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.tasks.translations import COLUMNS


def read_columns(path: Path, *columns: str) -> pd.DataFrame:
    """A split's columns. Raises UserError if it has no rows."""
    table = pd.read_parquet(path, columns=list(columns))
    if table.empty:
        raise UserError("this split has no examples", where=path, remedy="raise its limit in config.yaml")
    return table


def with_more(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A split as its kind of task reads it, with the language of a task that has several, and translations."""
    import pyarrow.parquet

    there = pyarrow.parquet.read_schema(path).names
    more = pd.read_parquet(path, columns=[name for name in ("language", *COLUMNS) if name in there])
    return table.assign(**{name: more[name].astype(object) for name in more})


def read_texts(path: Path, right: Callable[[pd.Series], pd.Series], wanted: str) -> pd.DataFrame:
    """id, text, text_b, label of a split with one label per text; `right` says of which rows the label can stand.

    Raises UserError, naming the example, for a label that cannot (it is not `wanted`), or texts of which only some
    are pairs.
    """
    table = read_columns(path, "id", "text", "text_b", "label")
    wrong = ~right(table["label"])
    if wrong.any():
        row = wrong.idxmax()
        raise UserError(f"label {table['label'][row]} is not {wanted}", where=f"{path}, id {table['id'][row]!r}")
    single = table["text_b"].isna()
    if single.any() and not single.all():
        row = single.idxmax()
        raise UserError(
            "text_b is missing here but given elsewhere",
            where=f"{path}, id {table['id'][row]!r}",
            remedy="give every example a second text, or none",
        )
    return table


def read_words(path: Path, checked: Callable[[Sequence, int], np.ndarray | None], wanted: str) -> pd.DataFrame:
    """id, text, text_b, label of a split with one label per word.

    checked(label, words) gives the label of so many words as an array [words, ...], or None where it is wrong.
    Raises UserError, naming the example, for a label that is not `wanted` for each word.
    """
    table = read_columns(path, "id", "text", "text_b", "label")
    found = np.empty(len(table), object)  # filled one by one: arrays of one shape would become one array
    for number, row in enumerate(table.itertuples()):
        words = len(row.text.split())
        found[number] = checked(row.label, words)
        if found[number] is None:
            raise UserError(
                f"label {str(row.label)[:80]} is not {wanted} for each of {words} words",
                where=f"{path}, id {row.id!r}",
                remedy="prepare the task again",
            )
    table["label"] = found
    return table
