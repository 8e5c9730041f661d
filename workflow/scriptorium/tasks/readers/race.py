"""Multiple choice in RACE's folders, or the hub's files (Lai et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import parquet
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_choices import COLUMNS, need_parts, row_of
from scriptorium.tasks.raw_files import SPLIT_NAMES, bare_name, read_json

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

PARTS = ("middle", "high")


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """RACE as published: {train,dev,test}/{middle,high}/<n>.txt, each a JSON object with article, questions, options
    (a list per question) and answers (a letter per question); or the hub's files, a question in each row,
    {middle,high}/{train,validation,test}-*.parquet.

    The task's labels name the parts whose accuracy is told apart (middle, high); the parts are read whatever they say.

    Raises UserError, with file and question: JSON that cannot be read, lists of unequal length, empty options, an
    answer that is none of them; a folder of another name.
    """
    need_parts(spec, PARTS)
    paths = sorted(members(artifact, ".txt", ".parquet"))
    rows = [row for path in paths if path.suffix == ".parquet" for row in _of_hub(path)]
    for path in paths:
        if path.suffix == ".parquet":
            continue
        folder, part = path.parts[-3:-1]
        if folder not in SPLIT_NAMES or part not in PARTS:
            continue  # a README beside the folders
        text = read_json(path)
        lists = [text.get(name) if isinstance(text, dict) else None for name in ("questions", "options", "answers")]
        article = text.get("article") if isinstance(text, dict) else None
        if (
            not isinstance(article, str)
            or not all(isinstance(own, list) for own in lists)
            or len(set(map(len, lists))) != 1
        ):
            raise UserError(
                "expected article, and lists questions, options and answers of one length",
                where=path,
                remedy="give the file as RACE published it",
            )
        for number, (question, options, answer) in enumerate(zip(*lists, strict=True)):
            row = row_of(article, question, options, answer, f"{path}, question {number}")
            rows.append(
                {"id": f"{folder}-{part}-{path.stem}-{number}", **row, "part": part, "split": SPLIT_NAMES[folder]}
            )
    if not rows:
        raise UserError(
            "no {train,dev,test}/{middle,high}/*.txt here",
            where=artifact,
            remedy="correct location or members of this data set in config/datasets.tsv",
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _of_hub(path: Path) -> Iterator[dict]:
    """Questions of the hub's file of a part and split; others, such as of `all`, which has both parts, are left out."""
    part, split = path.parent.name, bare_name(path)
    if part not in PARTS or split not in SPLIT_NAMES:
        return
    for number, (place, row) in enumerate(parquet.rows(path, ("article", "question", "options", "answer"))):
        found = row_of(row["article"], row["question"], row["options"], row["answer"], place)
        yield {"id": f"{split}-{part}-{number}", **found, "part": part, "split": SPLIT_NAMES[split]}
