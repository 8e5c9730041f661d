"""What the readers of labelled data share: the columns of their frame, plain files, splits by name, classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.errors import UserError
from scriptorium.files import json_text
from scriptorium.files.lines import lines
from scriptorium.tasks.splits import SPLITS

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

FIELDS = ["id", "text", "text_b", "label", "split"]
SPLIT_NAMES = {**{name: name for name in SPLITS}, "dev": "validation"}


def read_json(path: Path) -> Any:
    """The value in a JSON file, plain or compressed. Raises UserError with the place of the fault."""
    return json_text.parse("\n".join(line for _, line in lines(path)), str(path))


def number_of(text: str, below: int) -> int | None:
    """The number from 0 that a cell holds, or None if it is none below this one. Never reads thousands of digits."""
    number = int(text) if text.isdecimal() and len(text) <= len(str(below)) else below
    return number if number < below else None


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
