"""Words with tags, one per line, as CoNLL published them: chunking (2000) and named entities (2002, 2003)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.lines import lines
from scriptorium.files.tables import clean, members
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

COLUMNS = {"chunking": 2, "ner": -1}  # word, part of speech, chunk [, entity]; 2002 has no chunks
SPLIT_WORDS = {
    "train": "train",
    "dev": "validation",
    "valid": "validation",
    "validation": "validation",
    "testa": "validation",
    "test": "test",
    "testb": "test",
}
ENDINGS = (".txt", ".conll", ".bio", ".train", ".testa", ".testb", ".gz")


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Sentences with one tag per word, in IOB2.

    A file belongs to the split that a part of its name says: train; dev, valid or testa; test or testb. An I- tag that
    opens a chunk, which is how IOB1 (CoNLL-2003) is written, becomes B-, with a note of how many. -DOCSTART- lines are
    left out.

    Raises UserError: a line with another number of columns (file and line), tags that the task's labels lack, files
    of more than one data set or none of a split.
    """
    column = COLUMNS[spec.options.task]
    rows, opened = [], 0
    for split, path in _files(artifact, spec.options.language):
        for number, (words, tags) in enumerate(_sentences(path, column)):
            iob2 = to_iob2(tags)
            opened += sum(old != new for old, new in zip(tags, iob2, strict=True))
            rows.append(
                {
                    "id": f"{split}-{number}",
                    "text": " ".join(words),
                    "text_b": None,
                    "label": tuple(iob2),
                    "split": split,
                }
            )
    if opened:
        ledger.note(f"{opened} tags I- that open a chunk were read as B- (IOB1 becomes IOB2)")
    found = sorted({tag for row in rows for tag in row["label"]})
    if unknown := sorted(set(found) - set(spec.labels)):
        raise UserError(
            f"tags that are not among the task's labels: {', '.join(unknown)}",
            where=f"config/config.yaml, tasks.{spec.task}",
            remedy=f"set labels: [{', '.join(dict.fromkeys((*spec.labels, *found)))}], or choose another options.task",
        )
    return pd.DataFrame(rows, columns=FIELDS)


def to_iob2(tags: Sequence[str]) -> list[str]:
    """B- opens every chunk. The same for IOB1, where only a chunk right after one of its own type has a B-."""
    made = []
    for before, tag in zip(["O", *tags], tags, strict=False):
        opens = tag.startswith("I-") and before[2:] != tag[2:]
        made.append(f"B-{tag[2:]}" if opens else tag)
    return made


def _files(artifact: Path, language: str) -> list[tuple[str, Path]]:
    """(split, file); all files but for the word that names their split are called the same."""
    found, rest = {}, {}
    for path in sorted(members(artifact, *ENDINGS)):
        parts = re.split(r"[._-]", path.name.removesuffix(".gz"))
        words = [part for part in parts if part in SPLIT_WORDS]
        if len(words) != 1 or (language and language not in parts):
            continue  # a README, another language
        split = SPLIT_WORDS[words[0]]
        rest[path] = [part for part in parts if part not in SPLIT_WORDS]
        if split in found or any(other != rest[path] for other in rest.values()):
            raise UserError(
                f"{path.name} beside {next(iter(rest)).name}: files of more than one data set, or one split twice",
                where=artifact,
                remedy="set options.language to what the names of one data set's files share, or members of "
                "config/datasets.tsv",
            )
        found[split] = path
    if missing := [name for name in ("train", "test") if name not in found]:
        raise UserError(
            f"no {missing[0]} file{f' of language {language!r}' if language else ''} among "
            f"{', '.join(path.name for path in members(artifact))}",
            where=artifact,
            remedy="name files by their split: train; dev, valid or testa; test or testb",
        )
    return list(found.items())


def _sentences(path: Path, column: int) -> Iterator[tuple[list[str], list[str]]]:
    width = None
    words: list[str] = []
    tags: list[str] = []
    for number, line in lines(path):
        cells = re.split(r"[ \t]+", line.strip(" \t"))
        if cells == [""] or cells[0] == "-DOCSTART-":
            if words:
                yield words, tags
            words, tags = [], []
            continue
        width = width or len(cells)
        word = clean(cells[0])
        if len(cells) != width or not -width <= column < width or width < 2 or not word or " " in word:
            wanted = max(width, column + 1, 2)
            raise UserError(
                f"expected one word and its tags in {wanted} columns, got {line!r}",
                where=f"{path}, line {number}",
                remedy="mend the line, or choose the options.task that this file has a column for",
            )
        words.append(word)
        tags.append(cells[column])
    if words:
        yield words, tags
