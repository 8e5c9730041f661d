"""What the readers of multiple choice share: one question with its options as a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scriptorium.errors import UserError
from scriptorium.files.tables import clean

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

COLUMNS = ["id", "text", "text_b", "label", "split", "group", "options", "part"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def need_parts(spec: TaskDataSpec, known: tuple[str, ...]) -> None:
    """Raises UserError if the task's labels are no parts that its reader knows."""
    if not set(spec.labels) <= set(known):
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
