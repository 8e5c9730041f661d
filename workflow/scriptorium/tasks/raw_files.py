"""What the readers of labelled data share: the columns of their frame, plain files, splits by name, classes."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.errors import UserError
from scriptorium.files.tables import not_utf8
from scriptorium.tasks.splits import SPLITS

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

FIELDS = ["id", "text", "text_b", "label", "split"]
SPLIT_NAMES = {**{name: name for name in SPLITS}, "dev": "validation"}


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, line) of a UTF-8 text file, plain or gzip; nothing but \\n or \\r\\n ends a line.

    Raises UserError naming the file, and the line if it is not UTF-8.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"damaged gzip file: {error}", where=path, remedy="fetch or copy it again") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if path.suffix != ".gz":
            raise not_utf8(path) from None
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError("not UTF-8", where=f"{path}, line {line}", remedy="convert the file to UTF-8") from None
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, start=1):
        yield number, line.removesuffix("\r")


def read_json(path: Path) -> Any:
    """The value in a JSON file, plain or gzip. Raises UserError with the place of the fault."""
    text = "\n".join(line for _, line in read_lines(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"cannot be read as JSON: {error.msg}",
            where=f"{path}, line {error.lineno}, column {error.colno}",
            remedy="fetch or copy the file again, or mend it there",
        ) from None


def bare_name(path: Path) -> str:
    """The file's name without its ending: `train` of train.tsv.gz, and of the hub's train-00000-of-00001.parquet."""
    return path.name.removesuffix(".gz").rpartition(".")[0].partition("-0")[0]


SPLIT_WORDS = {
    "train": "train",
    "test": "test",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}


def splits_of_files(paths: Sequence[Path], artifact: Path) -> list[tuple[str, Path]]:
    """(split, file) by a word in each file's name, "" for all where none has one.

    Where there is train and no test, as in data whose test labels are not public, dev is our test (as with GLUE).
    Raises UserError where some names have a split and others none.
    """
    found = []
    for path in sorted(paths):
        words = [word for word in re.split(r"[._-]", path.name) if word in SPLIT_WORDS]
        found.append((SPLIT_WORDS[words[0]] if words else "", path))
    splits = {split for split, _ in found}
    if "" in splits and len(splits) > 1:
        path = next(path for split, path in found if not split)
        raise UserError(
            f"{path.name} has no split in its name and others do",
            where=artifact,
            remedy="put train, dev or test into every name, or name one kind under members in config/datasets.tsv",
        )
    if "train" in splits and "test" not in splits:
        return [("test" if split == "validation" else split, path) for split, path in found]
    return found


def need_classes(spec: TaskDataSpec, *classes: str) -> None:
    """Check, before a reader with classes of its own starts, that the task has them."""
    for name in classes:
        if name not in spec.labels:
            raise UserError(
                f"reader {spec.reader!r} gives the label {name!r}, which is not among the task's labels: "
                f"{', '.join(spec.labels)}",
                where=f"config/config.yaml, tasks.{spec.task}",
                remedy=f"set labels: [{', '.join(classes)}]",
            )
