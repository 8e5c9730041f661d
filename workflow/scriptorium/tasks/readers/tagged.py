"""Words with tags in files by language: PAN-X and UD's parts of speech, as XTREME and the hub have them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError, nearest
from scriptorium.files import parquet
from scriptorium.files.lines import lines
from scriptorium.files.tables import clean, one_column_each
from scriptorium.ledger import Ledger
from scriptorium.tasks.languages import REMEDY, arranged, files_by_language
from scriptorium.tasks.raw_files import FIELDS

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

ENDINGS = (".tsv", ".tsv.gz", ".parquet")
TAG_COLUMNS = ("ner_tags", "pos_tags", "tags")  # of the hub's files
INVISIBLE = "\ufffd"  # instead of a word that no tokenizer has a piece for

Sentence = tuple[str, list[str], list[str]]  # its place, words, tags


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Sentences with one tag per word: `word<tab>tag` per line and an empty line behind each sentence, or the hub's
    parquet with `tokens` and ner_tags or pos_tags.

    Blanks inside a word are left out, as XTREME does; a word of invisible characters alone becomes U+FFFD (ours; XTREME
    gives it the unknown piece), with a note of how many.

    Raises UserError with file and line or row: no tag, as in XTREME's test files; an unknown tag; other columns.
    """
    rows, invisible = [], 0
    for file in files_by_language(spec, artifact, *ENDINGS):
        if not file.language:
            raise UserError("its name tells no language", where=file.path, remedy=REMEDY)
        sentences = _of_parquet(file.path) if file.path.suffix == ".parquet" else _of_lines(file.path)
        for number, (place, words, tags) in enumerate(sentences):
            _check(tags, spec, place)
            hidden = [all(unicodedata.category(letter)[0] in "CZ" for letter in word) for word in words]
            invisible += sum(hidden)
            text = " ".join(INVISIBLE if gone else word for word, gone in zip(words, hidden, strict=True))
            own = {"id": f"{file.split or 'all'}-{file.language}-{number}", "text": text, "label": tuple(tags)}
            rows.append({**own, "split": file.split, "language": file.language})
    if invisible:
        ledger.note(f"{invisible} words of invisible characters alone were read as {INVISIBLE}")
    frame = pd.DataFrame(rows, columns=[*FIELDS, "language"]).astype({"text_b": object})
    return arranged(frame.assign(text_b=None), spec, artifact, ledger)


def _check(tags: Sequence[str], spec: TaskDataSpec, place: str) -> None:
    for tag in tags:
        if tag not in spec.labels:
            raise UserError(
                f"tag {tag!r} is not among the task's labels, {nearest(tag, spec.labels)}",
                where=place,
                remedy=f"mend the file, or correct labels of tasks.{spec.task}",
            )


def _of_lines(path: Path) -> Iterator[Sentence]:
    words: list[str] = []
    tags: list[str] = []
    first = 1
    for number, line in lines(path):
        if not line.strip():
            if words:
                yield f"{path}, sentence of line {first}", words, tags
            words, tags = [], []
            continue
        cells = line.split("\t")
        word = "".join(clean(cells[0]).split())
        if len(cells) != 2 or not cells[1].strip():
            no_tags = len(cells) == 1
            raise UserError(
                "a word without a tag" if no_tags else f"expected a word and its tag, got {line!r}",
                where=f"{path}, line {number}",
                remedy="XTREME's download takes the tags out of its test files: put the labelled file in its place, "
                "or take it away: then dev is the test"
                if no_tags
                else "give two columns with one tab between them",
            )
        first = first if words else number
        words.append(word or INVISIBLE)
        tags.append(cells[1].strip())
    if words:
        yield f"{path}, sentence of line {first}", words, tags


def _of_parquet(path: Path) -> Iterator[Sentence]:
    """The hub's files: tags are numbers, whose names stand in the file's own description of its columns."""
    schema = parquet.schema(path)
    column = next((name for name in TAG_COLUMNS if name in schema.names), None)
    if column is None or "tokens" not in schema.names:
        raise UserError(
            f"no columns tokens and {' or '.join(TAG_COLUMNS)} among {', '.join(schema.names)}",
            where=path,
            remedy="give the hub's files of this task",
        )
    one_column_each(schema.names, path)
    names = _names(schema.metadata or {}, column)
    for place, row in parquet.rows(path, ("tokens", column)):
        tokens, given = row["tokens"], row[column]
        if not isinstance(tokens, list) or not isinstance(given, list) or len(tokens) != len(given):
            raise UserError("not as many tags as words", where=place, remedy="mend the row or leave it out")
        if any(isinstance(tag, int) and not 0 <= tag < len(names) for tag in given):
            raise UserError(
                "tags are numbers without names", where=place, remedy="give the hub's own files, or names as tags"
            )
        words = ["".join(clean(str(token)).split()) or INVISIBLE for token in tokens]
        if words:
            yield place, words, [names[tag] if isinstance(tag, int) else str(tag) for tag in given]


def _names(metadata: dict[bytes, bytes], column: str) -> list[str]:
    """The names of the numbers in a column, as the library `datasets` writes them; empty if there are none."""
    try:
        feature = json.loads(metadata[b"huggingface"])["info"]["features"][column]
        return list((feature.get("feature") or feature)["names"])
    except (KeyError, ValueError, TypeError, AttributeError):
        return []
