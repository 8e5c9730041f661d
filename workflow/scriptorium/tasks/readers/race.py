"""Multiple choice: RACE's folders (Lai et al. 2017), and the same in lines of JSON for data of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import json_lines
from scriptorium.files.tables import clean, members, settle
from scriptorium.ledger import Ledger
from scriptorium.tasks.readers.common import SPLIT_NAMES, need_kind, options_of, read_lines, splits_of_files
from scriptorium.tasks.readers.squad import read_json

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

COLUMNS = ["id", "text", "text_b", "label", "split", "group", "options", "part"]
PARTS = ("middle", "high")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_race(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """RACE as published: {train,dev,test}/{middle,high}/<n>.txt, each a JSON object with article, questions, options
    (a list per question) and answers (a letter per question).

    The task's labels name the parts whose accuracy is told apart (middle, high); the parts are read whatever they say.

    Raises UserError, with file and question: JSON that cannot be read, lists of unequal length, empty options, an
    answer that is none of them; a folder of another name.
    """
    settle(spec.options, options_of(spec))
    need_choices(spec, PARTS)
    rows = []
    for path in sorted(members(artifact, ".txt")):
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


def read_choices(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The generic reader (ours): .jsonl or .jsonl.gz, per line {"text", "question", "options": [...], "answer"}.

    answer: a letter, or a number from 0. Also id, part (one of the task's labels) and split (train, validation or
    dev, test); without split a file belongs to what its name says, and otherwise the lines are split here, all
    questions on a text together. Raises UserError naming file and line.
    """
    settle(spec.options, options_of(spec))
    need_choices(spec)
    rows = []
    for split, path in splits_of_files(members(artifact, ".jsonl", ".jsonl.gz"), artifact):
        for where, entry in json_lines.objects(read_lines(path), path):
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


def need_choices(spec: TaskDataSpec, known: tuple[str, ...] = ()) -> None:
    """Raises UserError if the task is of another kind, or its labels are no parts that the reader knows."""
    need_kind(spec, "multiple_choice", "one of several options")
    if known and not set(spec.labels) <= set(known):
        raise UserError(
            f"labels of reader {spec.reader!r} are parts, some of {', '.join(known)}, not {', '.join(spec.labels)}",
            where=f"config/config.yaml, tasks.{spec.task}",
            remedy=f"set labels: [{', '.join(known)}]",
        )


def row_of(article: Any, question: Any, options: Any, answer: Any, where: str) -> dict:
    """text, text_b, options, label, group of one question, checked. answer: a letter or a number from 0."""
    texts = [article, question, *(options if isinstance(options, list) else [None])]
    if not all(isinstance(text, str) for text in texts) or len(options) < 2:
        raise UserError(
            "expected a text, a question and at least two options", where=where, remedy="mend it, or leave it out"
        )
    article, question, *options = map(clean, texts)
    if not article or not all(options):
        raise UserError("the text or an option is empty", where=where, remedy="fill it, or leave it out")
    letters = {letter: number for number, letter in enumerate(LETTERS[: len(options)])}
    number = letters.get(answer.strip()) if isinstance(answer, str) else answer
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(options):
        raise UserError(
            f"answer {answer!r} is none of {', '.join(letters)}",
            where=where,
            remedy="correct the answer, or leave it out",
        )
    return {"text": article, "text_b": question, "options": tuple(options), "label": number, "group": (article,)}
