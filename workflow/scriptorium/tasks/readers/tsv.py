"""The generic reader of classification and regression data: the user's own tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import clean, members, numbers, one_spelling, read_table
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import SPLIT_NAMES

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The generic reader (ours): .tsv or .csv with columns text, label and optionally text_b, id, split.

    label: one of the task's labels; where it has none, for regression, a number. split: train | validation (or dev) |
    test; without that column a file named after a split gives its rows to it, and otherwise the rows are split here.
    Raises UserError naming file and row.
    """
    parts = []
    for path in members(artifact, ".tsv", ".csv"):
        raw = read_table(path, ("text", "label"), ("text_b", "id", "split"))
        part = pd.DataFrame({"text": raw["text"].map(clean)})
        part["text_b"] = raw["text_b"].map(clean) if "text_b" in raw else None
        part["id"] = raw["id"] if "id" in raw else [f"{path.stem}-{row}" for row in raw.index]
        part["label"] = raw["label"].str.strip() if spec.labels else numbers(raw, "label", path)
        names = raw["split"].str.strip() if "split" in raw else pd.Series(path.stem, index=raw.index)
        part["split"] = names.map(SPLIT_NAMES)
        known = {"label": (part["label"].isin(spec.labels), spec.labels)} if spec.labels else {}
        if "split" in raw:
            known["split"] = (part["split"].notna(), SPLIT_NAMES)
        for column, (right, names) in known.items():
            if not right.all():
                row = (~right).idxmax()
                raise UserError(
                    f"{column} {raw[column][row]!r} is not among the task's {column}s: {', '.join(names)}",
                    where=f"{path}, row {row}",
                    remedy=f"correct the row, or tasks.{spec.task} in config/config.yaml",
                )
        for column in ("text", "text_b"):
            if (empty := part[column] == "").any():
                where = f"{path}, row {empty.idxmax()}"
                raise UserError(f"{column} is empty", where=where, remedy="fill it or leave the row out")
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    one_spelling(frame["id"], "id", [str(artifact)] * len(frame))
    if (repeated := frame["id"].duplicated()).any():
        raise UserError(
            f"id {frame['id'][repeated.idxmax()]!r} is there twice", where=artifact, remedy="make ids unique"
        )
    if frame["split"].isna().all():
        frame["split"] = ""
    elif frame["split"].isna().any():
        raise UserError(
            "some rows have a split and others none",
            where=artifact,
            remedy="give a split column in every file, or name every file after its split",
        )
    return frame
