"""ZuCo 1.0 and 2.0: one results<PARTICIPANT>_<TASK>.mat per participant and task (docs/papers/cogbert.md sections 9.1
and 9.2).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files.tables import members
from scriptorium.gaze import matlab
from scriptorium.gaze.readers.spec import ZucoOptions
from scriptorium.ledger import Ledger

GAPS_ARE_FAULTS = True

FIELDS = {"nFixations": "n_fix", "FFD": "ffd", "GD": "gd", "GPT": "gpt", "TRT": "trt"}


def read(artifact: Path, options: ZucoOptions, ledger: Ledger) -> pd.DataFrame:
    """Rows of one word and participant.

    An empty field means that the word was not fixated. Sentences that a participant lacks are NaN in their file and
    have no rows. The files mark no paragraphs, so every sentence is a document (ours), named <TASK>/<number in the
    file>. Raises UserError naming file and sentence: other file names or formats, missing fields.
    """
    named = [(path, *_name(path)) for path in members(artifact, ".mat")]
    tasks = options.tasks.split()
    for task in tasks:
        if task not in (found := {name for *_, name in named}):
            raise UserError(
                f"option tasks: no file of task {task!r}, {nearest(task, found)}",
                where=artifact,
                remedy="correct the option, or the data set's members",
            )
    parts = [_one(path, participant, task, ledger) for path, participant, task in named if not tasks or task in tasks]
    if not any(parts):
        raise UserError(
            "no participant has a single sentence", where=artifact, remedy="download the results files again"
        )
    return pd.DataFrame([row for rows in parts for row in rows])


def _name(path: Path) -> tuple[str, str]:
    if not (found := re.fullmatch(r"results([A-Za-z0-9]+)_([A-Za-z0-9]+)\.mat", path.name)):
        raise UserError(
            f"{path.name!r} does not say who read what",
            where=path,
            remedy="keep the release's names, results<PARTICIPANT>_<TASK>.mat",
        )
    return found[1], found[2]


def _one(path: Path, participant: str, task: str, ledger: Ledger) -> list[dict[str, Any]]:
    rows, lacking = [], 0
    for index, (_, words) in enumerate(matlab.sentences(path, tuple(FIELDS))):
        lacking += words is None
        document = f"{task}/{index + 1:04}"
        for at, word in enumerate(words or []):
            rows.append(
                {
                    "document": document,
                    "sentence": 0,
                    "position": at,
                    "participant": participant,
                    "word": word["content"],
                    "place": f"{path}, sentence {index + 1}",
                }
                | {name: word[field] for field, name in FIELDS.items()}
            )
    if lacking:
        ledger.note(f"gaze: participant {participant} lacks {lacking} sentences of task {task}")
    return rows
