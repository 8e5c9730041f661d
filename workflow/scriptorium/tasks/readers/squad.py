"""Extractive question answering in SQuAD's JSON (Rajpurkar et al. 2016, 2018; also XQuAD, MLQA, TyDi QA GoldP)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import parquet
from scriptorium.files.tables import clean, members
from scriptorium.ledger import Ledger
from scriptorium.tasks.languages import REMEDY, arranged, files_by_language
from scriptorium.tasks.raw_files import read_json, splits_of_files

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec


ENDINGS = (".json", ".json.gz", ".parquet")
HUB = ("id", "title", "context", "question", "answers")  # columns of the hub's files


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Questions on passages: .json or .json.gz, {"data": [{"paragraphs": [{"context", "qas": [{"id", "question",
    "answers": [{"text", "answer_start"}], "is_impossible"}]}]}]}; or the hub's .parquet, a question in each row.

    Files belong to the split that a part of their name says. SQuAD's test is not public: where there is train and dev
    but no test, dev is our test and validation is cut from train, as with GLUE; without any names all is split here.
    Whatever is cut here, all questions on an article stay together, and all on one passage. Passages are not changed:
    answers are pieces of them.

    A task in several languages is read file by file as docs/xtreme.md says; a question has the same id in all of them.

    Raises UserError: JSON that cannot be read (file, line and column), and, with file and question, a missing field,
    an answer that does not stand at its place, or a question without an answer in version 1.1.
    """
    if spec.languages:
        return _in_languages(spec, artifact, ledger)
    rows = []
    for split, path in splits_of_files(members(artifact, *ENDINGS), artifact):
        rows += [{**row, "split": split} for row in _questions(path, spec.options.version == "2.0")]
    frame = pd.DataFrame(rows, columns=["id", "text", "text_b", "label", "split", "group"])
    return _told_apart(frame, [], ledger)


def _in_languages(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    rows = []
    for file in files_by_language(spec, artifact, *ENDINGS, unnamed=spec.options.unnamed):
        if not file.language:
            raise UserError(
                "its name tells no language", where=file.path, remedy=f"{REMEDY}; or set options: {{unnamed: en}}"
            )
        for row in _questions(file.path, spec.options.version == "2.0"):
            rows.append({**row, "split": file.split, "language": file.language})
    columns = ["id", "text", "text_b", "label", "split", "group", "language"]
    frame = _told_apart(pd.DataFrame(rows, columns=columns), ["language", "split"], ledger)
    tied = [(*group, f"question {own}") for group, own in zip(frame["group"], frame["id"], strict=True)]
    return arranged(frame.assign(group=tied), spec, artifact, ledger)


def _told_apart(frame: pd.DataFrame, within: list[str], ledger: Ledger) -> pd.DataFrame:
    """No two questions, of one language and split if `within` says so, have the same id."""
    again = frame.groupby(["id", *within]).cumcount()
    if repeated := int((again > 0).sum()):
        frame = frame.assign(id=[f"{own}-{n + 1}" if n else own for own, n in zip(frame["id"], again, strict=True)])
        ledger.note(f"{repeated} questions have the id of another one: -2, -3 and so on were added")
    return frame


def _questions(path: Path, may_lack: bool) -> Iterator[dict]:
    """id, text, text_b, label (tuple of (answer, place)), group: the article and the passage."""
    articles = _of_hub(path) if path.suffix == ".parquet" else _field(read_json(path), "data", list, path)
    for number, article in enumerate(articles):
        for place, paragraph in enumerate(_field(article, "paragraphs", list, f"{path}, data {number}")):
            where = f"{path}, data {number}, paragraph {place}"
            context = _field(paragraph, "context", str, where)
            group = (f"{path.name} {number}", context) if len(articles) > 1 else (context,)
            for question in _field(paragraph, "qas", list, where):
                own = str(question["id"]) if isinstance(question, dict) and "id" in question else None
                if own is None:
                    raise UserError("a question without an id", where=where, remedy="give every question an id")
                spot = f"{path}, question {own}"
                text = clean(_field(question, "question", str, spot))
                if not text or not context.strip():
                    raise UserError("question or context is empty", where=spot, remedy="fill it or leave it out")
                answers = _answers(question, context, may_lack, spot)
                yield {"id": own, "text": text, "text_b": context, "label": answers, "group": group}


def _of_hub(path: Path) -> list[dict]:
    """The hub's rows as SQuAD's articles. A question without answers is one that has none there."""
    articles: dict[str, dict[str, list[dict]]] = {}
    for place, row in parquet.rows(path, HUB):
        given = row["answers"] if isinstance(row["answers"], dict) else {}
        texts, starts = (_field(given, name, list, place) for name in ("text", "answer_start"))
        answers = [{"text": text, "answer_start": start} for text, start in zip(texts, starts, strict=False)]
        question = {"id": row["id"], "question": row["question"], "answers": answers, "is_impossible": not answers}
        articles.setdefault(row["title"], {}).setdefault(row["context"], []).append(question)
    return [
        {"paragraphs": [{"context": context, "qas": questions} for context, questions in passages.items()]}
        for passages in articles.values()
    ]


def _answers(question: dict, context: str, may_lack: bool, where: str) -> tuple[tuple[str, int], ...]:
    impossible = bool(question.get("is_impossible", False))
    given = [] if impossible else _field(question, "answers", list, where)
    if not given and not (may_lack and impossible):
        wrong = (
            "a question without an answer, which SQuAD 1.1 does not have"
            if not may_lack
            else "no answers, but is_impossible is not true"
        )
        raise UserError(
            wrong,
            where=where,
            remedy='set options: {version: "2.0"}'
            if impossible
            else "give its answers, or say is_impossible: true (version 2.0)",
        )
    found = []
    for answer in given:
        text, start = _field(answer, "text", str, where), _field(answer, "answer_start", int, where)
        there = context[start : start + len(text)] if start >= 0 else ""
        if not text:
            raise UserError(
                "an answer is empty, as XTREME's download leaves those of its test files",
                where=where,
                remedy="put the file of the data's authors in its place, or take it away, so that dev is the test",
            )
        if not text.strip() or there != text:
            raise UserError(
                f"answer {text!r} does not stand at character {start} of the context: there is {there!r}",
                where=where,
                remedy="correct answer_start (it counts characters from 0)",
            )
        found.append((text, start))
    return tuple(dict.fromkeys(found))


def _field(value: Any, name: str, kind: type, where: object) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(name), kind):
        raise UserError(
            f"{name!r} is missing, or no {kind.__name__}",
            where=str(where),
            remedy="give the file in SQuAD's layout: docs/tasks.md",
        )
    return value[name]
