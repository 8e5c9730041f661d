"""COPA (Roemmele et al. 2011) and XCOPA (Ponti et al. 2020): which of two sentences is the cause, or the effect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import json_lines
from scriptorium.files.lines import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_choices import COLUMNS, need_parts, row_of
from scriptorium.tasks.raw_files import splits_of_files

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}  # COPA's own two


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """.jsonl, per line {"premise", "choice1", "choice2", "question": cause | effect, "label": 0 | 1}.

    The task's labels name the parts whose accuracy is told apart (cause, effect). Files belong to what their name
    says: train, val, test; where there is no test, val is our test. Raises UserError naming file and line.
    """
    need_parts(spec, tuple(QUESTIONS))
    rows = []
    for split, path in splits_of_files(members(artifact, ".jsonl"), artifact):
        for where, entry in json_lines.objects(lines(path), path):
            if (asked := entry.get("question")) not in QUESTIONS:
                raise UserError(f"question {asked!r} is not one of {', '.join(QUESTIONS)}", where=where)
            choices = [entry.get("choice1"), entry.get("choice2")]
            row = row_of(entry.get("premise"), QUESTIONS[asked], choices, entry.get("label"), where)
            name = f"{path.name.removesuffix('.jsonl')}-{where.rpartition(' ')[2]}"
            rows.append({"id": name, **row, "part": asked, "split": split})
    return pd.DataFrame(rows, columns=COLUMNS)
