"""Eye-tracking prediction (Hollenstein et al. 2021; docs/papers/cogbert.md section 8.3): from a sentence, measures of
each word.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import clean, members, numbers, one_spelling, read_table
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS
from scriptorium.tasks.splits import components, split

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

HELD_OUT = 0.05  # share of the sentences each for validation and test: 90/5/5 as in the paper


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """.csv or .csv.gz tables of means over participants: sentence_id, word_id (0.. in its sentence), word, measures.

    The task's labels name the measures, which are columns of the table. Split 90/5/5 by sentence, all repetitions of
    a sentence in one split. Broken sentences, which may be left out, hold a "word" that is empty or has a blank.

    Raises UserError naming file and row.
    """
    rows, broken = [], []
    for path in sorted(members(artifact, ".csv", ".csv.gz")):
        raw = read_table(path, ("sentence_id", "word_id", "word", *spec.labels))
        one_spelling(raw["sentence_id"], "sentence_id", [f"{path}, row {row}" for row in raw.index])
        raw["word"] = raw["word"].map(clean)
        places = numbers(raw, "word_id", path, whole=True).astype(int)
        values = np.column_stack([numbers(raw, name, path) for name in spec.labels])
        new = (raw["sentence_id"] != raw["sentence_id"].shift()).to_numpy()
        _check_order(raw, places, new, path)
        one = ~raw["word"].str.contains(" ").to_numpy() & (raw["word"] != "").to_numpy()
        for start, end in _stretches(new):
            if not one[start:end].all():
                row = raw.index[start + int(np.argmin(one[start:end]))]
                broken.append(f"{path}, row {row}")
                if not spec.options.skip_broken:
                    raise UserError(
                        f"{raw['word'][row]!r} is not one word",
                        where=broken[-1],
                        remedy="mend the row, or set options: {skip_broken: true} to leave out its sentence",
                    )
                continue
            name = path.name.partition(".")[0]
            rows.append(
                {
                    "id": f"{name}-{raw['sentence_id'].iat[start]}",
                    "text": " ".join(raw["word"].iloc[start:end]),
                    "text_b": None,
                    "label": tuple(map(tuple, values[start:end])),
                    "split": "",
                }
            )
    if broken:
        ledger.note(f"{len(broken)} sentences left out, since they hold what is not one word; the first: {broken[0]}")
    frame = pd.DataFrame(rows, columns=FIELDS)
    held_out = round(HELD_OUT * len(frame))
    groups = components([(text,) for text in frame["text"]])
    limits = {"validation": held_out, "test": held_out}
    for name, chosen in split(groups, [""] * len(frame), limits, spec.split_seed).items():
        frame.loc[chosen, "split"] = name
    return frame


def _stretches(new: np.ndarray) -> list[tuple[int, int]]:
    """(first row, row after the last) of every sentence; new: [rows], true where one begins."""
    starts = np.flatnonzero(new)
    return list(zip(starts, [*starts[1:], len(new)], strict=True))


def _check_order(raw: pd.DataFrame, places: pd.Series, new: np.ndarray, path: Path) -> None:
    expected = np.arange(len(raw)) - np.flatnonzero(new)[np.cumsum(new) - 1]
    wrong = places.to_numpy() != expected
    if wrong.any():
        row = int(np.argmax(wrong))
        raise UserError(
            f"word_id is {places.iloc[row]} where {expected[row]} was expected in sentence "
            f"{raw['sentence_id'].iat[row]}",
            where=f"{path}, row {raw.index[row]}",
            remedy="sort the rows by sentence and word; word_id counts from 0 without gaps",
        )
    again = raw["sentence_id"][new].duplicated()
    if again.any():
        row = again.idxmax()
        raise UserError(
            f"sentence_id {raw['sentence_id'][row]} is there twice",
            where=f"{path}, row {row}",
            remedy="give every sentence an id of its own",
        )
