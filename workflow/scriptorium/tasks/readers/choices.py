"""The generic reader of multiple choice: the user's own questions, in lines of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import json_lines
from scriptorium.files.lines import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_choices import COLUMNS, row_of
from scriptorium.tasks.raw_files import SPLIT_NAMES, splits_of_files

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """.jsonl or .jsonl.gz, per line {"text", "question", "options": [...], "answer"}.

    answer: a letter, or a number from 0. Also id, part (one of the task's labels) and split (train, validation or
    dev, test); without split a file belongs to what its name says, and otherwise the lines are split here, all
    questions on a text together. Raises UserError naming file and line.
    """
    rows = []
    for split, path in splits_of_files(members(artifact, ".jsonl", ".jsonl.gz"), artifact):
        for where, entry in json_lines.objects(lines(path), path):
            row = row_of(*(entry.get(name) for name in ("text", "question", "options", "answer")), where)
            part, own = entry.get("part", ""), entry.get("split")
            if spec.labels and part not in spec.labels:
                raise UserError(
                    f"part {part!r} is not among the task's labels: {', '.join(spec.labels)}",
                    where=where,
                    remedy="correct the line, or the task's labels",
                )
            if own is not None and own not in SPLIT_NAMES:
                raise UserError(f"split {own!r} is not one of {', '.join(SPLIT_NAMES)}", where=where)
            place = where.rpartition(" ")[2]
            rows.append(
                {
                    "id": str(entry.get("id", f"{path.name.split('.')[0]}-{place}")),
                    **row,
                    "part": part,
                    "split": split if own is None else SPLIT_NAMES[own],
                }
            )
    frame = pd.DataFrame(rows, columns=COLUMNS)
    if (again := frame["id"].duplicated()).any():
        raise UserError(f"id {frame['id'][again.idxmax()]!r} is there twice", where=artifact, remedy="make ids unique")
    if (frame["split"] == "").any() and (frame["split"] != "").any():
        raise UserError("some lines have a split and others none", where=artifact, remedy="give all of them one")
    return frame
