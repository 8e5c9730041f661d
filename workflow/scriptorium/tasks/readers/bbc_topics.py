"""Topics of BBC news (Greene and Cunningham 2006): an article per file, its folder is its topic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import clean
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS
from scriptorium.text.corpora.readers import bbc
from scriptorium.text.corpora.readers.spec import ReaderOptions

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Every article, its paragraphs joined by blanks. Raises UserError naming the file: no text, an unknown topic."""
    rows = []
    for name, paragraphs in bbc.read(artifact, ReaderOptions(), ledger):
        text, topic = clean(" ".join(paragraphs)), Path(name).parent.name
        place = f"{artifact.parent / name}.txt"
        if not text:
            raise UserError("the file is empty", where=place, remedy="fetch it again, or leave it out")
        if topic not in spec.labels:
            raise UserError(
                f"its folder {topic!r} is not among the task's labels: {', '.join(spec.labels)}",
                where=place,
                remedy=f"add it to labels in config/config.yaml, tasks.{spec.task}, or correct members of the data set",
            )
        rows.append((name, text, None, topic, ""))
    return pd.DataFrame(rows, columns=FIELDS)
