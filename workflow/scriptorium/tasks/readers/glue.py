"""GLUE (Wang et al. 2019): the tasks' own .tsv folders, plain or gzip, and the hub's parquet files.

GLUE's test labels are not public. So, ours: its dev split is our `test`, kept whole; our validation is cut from its
train (`validation_share`, `split_seed`), examples that share a text staying together; its test files are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import parquet
from scriptorium.files.lines import lines
from scriptorium.files.tables import clean, members, one_column_each
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS, bare_name, number_of

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

NLI = ("entailment", "not_entailment")
PAIR = ("sentence1", "sentence2")
COLA_COLUMNS = ("source", "label", "star", "sentence")  # CoLA's files have no header


@dataclass(frozen=True)
class Format:
    """A task's columns: alternatives for its texts and its label; `labels` in the order of GLUE's numbers."""

    texts: tuple[tuple[str, ...], ...]
    label: tuple[str, ...] = ("label",)
    labels: tuple[str, ...] = ()


FORMATS = {
    "cola": Format((("sentence",),), labels=("unacceptable", "acceptable")),
    "sst2": Format((("sentence",),), labels=("negative", "positive")),
    "mrpc": Format((PAIR, ("#1 String", "#2 String")), ("label", "Quality"), ("not_equivalent", "equivalent")),
    "stsb": Format((PAIR,), ("label", "score")),
    "qqp": Format((("question1", "question2"),), ("label", "is_duplicate"), ("not_duplicate", "duplicate")),
    "mnli": Format(
        (PAIR, ("premise", "hypothesis")), ("label", "gold_label"), ("entailment", "neutral", "contradiction")
    ),
    "qnli": Format((("question", "sentence"),), labels=NLI),
    "rte": Format((PAIR,), labels=NLI),
    "wnli": Format((PAIR,), labels=("not_entailment", "entailment")),
}


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """One GLUE task.

    Broken rows, which may be left out, are those with missing or surplus cells or an empty text: QQP's published train
    file has some.

    Raises UserError naming file and line: broken row, unknown label, missing column or split.
    """
    options = spec.options
    form = FORMATS[options.task]
    _check_labels(spec, form)
    rows, broken = [], []
    for split, paths in _files(artifact, options.part).items():
        of_split = (row for path in paths for row in _rows(path, options.task, form))
        for number, (place, texts, label) in enumerate(of_split):
            if label is None:
                broken.append(place)
                if not options.skip_broken:
                    raise UserError(
                        f"a row without its text{'s' if len(form.texts[0]) > 1 else ''} and label, or "
                        "with more cells than columns",
                        where=place,
                        remedy="mend the row, or set options: {skip_broken: true}",
                    )
                continue
            text, text_b = (*texts, None)[:2]
            label = _label(label, form, place)
            name = "train" if split == "train" else "dev"
            rows.append({"id": f"{name}-{number}", "text": text, "text_b": text_b, "label": label, "split": split})
    if broken:
        ledger.note(f"{len(broken)} broken rows left out, the first: {broken[0]}")
    return pd.DataFrame(rows, columns=FIELDS)


def _check_labels(spec: TaskDataSpec, form: Format) -> None:
    if spec.labels != form.labels:
        # their order matters: f1 is that of the last of two
        raise UserError(
            f"this GLUE task has the labels {', '.join(form.labels) or '(none)'}, not {', '.join(spec.labels)}",
            where=f"config/config.yaml, tasks.{spec.task}",
            remedy=f"set labels: [{', '.join(form.labels)}]",
        )


def _files(artifact: Path, part: str) -> dict[str, list[Path]]:
    """Our split -> GLUE's files. `train_sample` counts as train, `dev_matched` and `validation_matched` as dev."""
    found: dict[str, list[Path]] = {"train": [], "test": []}
    paths = members(artifact, ".tsv", ".tsv.gz", ".parquet")
    dev = []
    for path in sorted(paths):
        name = bare_name(path)
        if name.startswith("train"):
            found["train"].append(path)
        elif name.startswith(("dev", "validation")):
            dev.append(path)
    found["test"] = [path for path in dev if bare_name(path).endswith(f"_{part}")]
    if not found["test"] and part == "matched":  # the tasks other than MNLI have no parts
        found["test"] = [path for path in dev if not bare_name(path).endswith("_mismatched")]
    for split, name in (("train", "train"), ("test", "dev (or validation)")):
        if not found[split]:
            raise UserError(
                f"no {name} file{f' of part {part}' if split == 'test' else ''} among "
                f"{', '.join(path.name for path in paths)}",
                where=artifact,
                remedy="correct location or members of this data set in config/datasets.tsv",
            )
    return found


def _rows(path: Path, task: str, form: Format) -> Iterator[tuple[str, list[str], str | float | None]]:
    """(place for errors, texts, label as it stands) of every row; the label of a broken row is None."""
    if path.suffix == ".parquet":
        wanted = _columns(parquet.schema(path).names, form, path)
        cells = ((place, [row[name] for name in wanted]) for place, row in parquet.rows(path, wanted))
    else:
        cells = _tsv(path, task, form)
    for place, (*texts, label) in cells:
        cleaned = [clean(text) if isinstance(text, str) else "" for text in texts]
        yield place, cleaned, label if all(cleaned) else None


def _tsv(path: Path, task: str, form: Format) -> Iterator[tuple[str, list]]:
    """GLUE's tables hold quotation marks as they are, so no cell is quoted."""
    rows = lines(path)
    header = COLA_COLUMNS if task == "cola" else next(rows, (1, ""))[1].split("\t")
    places = [list(header).index(name) for name in _columns(header, form, path)]
    for number, line in rows:
        cells = line.split("\t")
        whole = len(cells) == len(header)
        yield f"{path}, line {number}", [cells[i] for i in places] if whole else [None] * len(places)


def _columns(header: Sequence[str], form: Format, path: Path) -> tuple[str, ...]:
    """The columns of the texts and of the label, by the first alternative that the header has."""
    one_column_each(header, path)
    texts = next((names for names in form.texts if set(names) <= set(header)), None)
    label = next((name for name in form.label if name in header), None)
    if texts is None or label is None:
        wanted = (" or ".join(" and ".join(names) for names in form.texts), " or ".join(form.label))
        raise UserError(
            f"no column {wanted[texts is not None]} among {', '.join(header)}",
            where=path,
            remedy="give the file that belongs to options.task, or rename the column",
        )
    return (*texts, label)


def _label(cell: str | float, form: Format, place: str) -> str | float:
    """GLUE's name of a class given by name or number; a score as a number."""
    if form.labels:
        text = str(cell).strip()
        if text in form.labels:
            return text
        if (number := number_of(text, len(form.labels))) is not None:
            return form.labels[number]
        wanted = f"one of {', '.join(form.labels)}"
    else:
        try:
            if np.isfinite(score := float(cell)):
                return score
        except (ValueError, TypeError):
            pass
        wanted = "a number"
    raise UserError(f"label {str(cell)!r} is not {wanted}", where=place, remedy="give the labelled files of this task")
