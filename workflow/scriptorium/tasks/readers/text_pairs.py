"""Pairs of texts with a class in files by language: XNLI and PAWS-X, as XTREME, their authors and the hub have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import parquet
from scriptorium.files.lines import lines
from scriptorium.files.tables import clean, one_column_each
from scriptorium.ledger import Ledger
from scriptorium.tasks.languages import REMEDY, arranged, files_by_language
from scriptorium.tasks.raw_files import FIELDS, number_of

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

ENDINGS = (".tsv", ".tsv.gz", ".parquet")
LABELS = {
    "xnli": ("entailment", "neutral", "contradiction"),  # in the order of the hub's numbers
    "pawsx": ("different", "paraphrase"),
}
OTHER_NAMES = {"contradictory": "contradiction"}  # MultiNLI as it was published with XNLI
TEXTS = (("sentence1", "sentence2"), ("premise", "hypothesis"), ("premise", "hypo"))  # columns, in a file with a header
CLASSES = ("gold_label", "label")
PLAIN = ("text", "text_b", "label")  # XTREME's files have no header


@dataclass(frozen=True)
class Row:
    """A row of a file: its place for errors, its number or the source's own id, its cells."""

    place: str
    key: str
    language: str
    texts: tuple[str, str]
    label: object


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Pairs of sentences.

    `.tsv` (also `.gz`): three columns without a header, text, text, class, as XTREME writes them; or with a header, in
    the names of XNLI (where a column tells the language), of its translated MultiNLI and of PAWS-X; or the hub's
    parquet. A class is given by name or number. Rows of the same number (or id) are translations of one another.

    Raises UserError with file and row: no class, as in XTREME's test files; an unknown one; an empty text; a translated
    train file with other rows or classes than that of the first language.
    """
    _check_labels(spec)
    rows = []
    for file in files_by_language(spec, artifact, *ENDINGS):
        for row in _of_parquet(file.path) if file.path.suffix == ".parquet" else _of_lines(file.path):
            language = file.language or row.language
            if not language:
                raise UserError("neither its name nor a column tells the language", where=file.path, remedy=REMEDY)
            if language not in spec.languages.all:
                continue
            label = _label(row, spec.options.task)
            if not all(row.texts):
                raise UserError("a text is empty", where=row.place, remedy="fill it or leave the row out")
            own = {"id": f"{file.split or 'all'}-{row.key}", "text": row.texts[0], "text_b": row.texts[1]}
            own |= {"label": label, "split": file.split, "language": language, "place": row.place}
            rows.append({**own, "group": (own["id"], *row.texts)})
    frame = pd.DataFrame(rows, columns=[*FIELDS, "language", "place", "group"])
    if (again := frame.duplicated(["id", "language"])).any():
        row = frame[again].iloc[0]
        raise UserError(f"id {row['id']!r} is there twice", where=row["place"], remedy="make ids unique")
    frame = arranged(frame, spec, artifact, ledger)
    _check_translations(frame[frame["split"] == "train"], spec.languages.train)
    return frame.drop(columns="place")


def _check_labels(spec: TaskDataSpec) -> None:
    if spec.labels != LABELS[spec.options.task]:
        raise UserError(
            f"{spec.options.task} has the labels {', '.join(LABELS[spec.options.task])}, not {', '.join(spec.labels)}",
            where=f"config/config.yaml, tasks.{spec.task}",
            remedy=f"set labels: [{', '.join(LABELS[spec.options.task])}]",
        )


def _check_translations(train: pd.DataFrame, languages: Sequence[str]) -> None:
    """What is trained on in several languages is one set of examples in all of them."""
    first = train[train["language"] == languages[0]].set_index("id")
    for language in languages[1:]:
        own = train[train["language"] == language].set_index("id")
        if lost := next((key for key in first.index if key not in own.index), None):
            raise UserError(
                f"train of language {language!r} does not cover the task: it has {len(own)} of {len(first)} rows, and "
                f"lacks the translation of {first['place'][lost]}",
                where=own["place"].iloc[-1] if len(own) else language,
                remedy=f"give a train file of {language} with a row for each row of {languages[0]}",
            )
        both = first.join(own.add_suffix("_own"))
        if (other := both["label"] != both["label_own"]).any():
            row = both[other].iloc[0]
            raise UserError(
                f"class {row['label_own']!r}, but {row['label']!r} in {row['place']}, which it translates",
                where=row["place_own"],
                remedy="give both files their rows in the same order",
            )


def _label(row: Row, task: str) -> str:
    names, text = LABELS[task], str(row.label).strip()
    text = OTHER_NAMES.get(text, text)
    if text in names:
        return text
    if (number := number_of(text, len(names))) is not None:
        return names[number]
    raise UserError(
        f"class {text!r} is not one of {', '.join(names)}",
        where=row.place,
        remedy="mend the row, or choose the options.task that the file belongs to",
    )


def _of_lines(path: Path) -> Iterator[Row]:
    columns, width = {name: place for place, name in enumerate(PLAIN)}, len(PLAIN)
    for number, line in lines(path):
        cells = line.split("\t")
        if number == 1 and (found := _header(cells)):
            one_column_each(cells, path)
            columns, width = found, len(cells)
            continue
        place = f"{path}, line {number}"
        if len(cells) != width:
            bare = (len(cells), width) == (2, len(PLAIN))
            raise UserError(
                "a row without a class" if bare else f"{len(cells)} cells instead of {width}",
                where=place,
                remedy="XTREME's download takes the classes out of its test files: put the labelled file in its "
                "place, or take it away, so that dev is the test"
                if bare
                else "mend the row: one tab between two cells, and none inside them",
            )
        key = cells[columns["id"]] if "id" in columns else str(number)
        language = cells[columns["language"]] if "language" in columns else ""
        texts = tuple(clean(cells[columns[name]]) for name in ("text", "text_b"))
        yield Row(place, key, language, texts, cells[columns["label"]])


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Places of our columns, by the names of a header; empty if it is none."""
    texts = next((names for names in TEXTS if set(names) <= set(cells)), None)
    label = next((name for name in CLASSES if name in cells), None)
    if texts is None or label is None:
        return {}
    named = {"text": texts[0], "text_b": texts[1], "label": label}
    named |= {own: name for own, name in (("id", "id"), ("language", "language"), ("id", "pairID")) if name in cells}
    return {own: cells.index(name) for own, name in named.items()}


def _of_parquet(path: Path) -> Iterator[Row]:
    columns = parquet.schema(path).names
    one_column_each(columns, path)
    names = {own: columns[place] for own, place in _header(columns).items()}
    if not names:
        raise UserError(
            f"no columns of two texts and their class among {', '.join(columns)}",
            where=path,
            remedy="give the hub's files of one language, such as de/test-00000-of-00001.parquet",
        )
    wanted = [names[own] for own in ("id", "text", "text_b", "label") if own in names]
    for number, (place, row) in enumerate(parquet.rows(path, wanted)):
        both = tuple(clean(text) if isinstance(text := row[names[own]], str) else "" for own in ("text", "text_b"))
        yield Row(place, str(row[names["id"]] if "id" in names else number), "", both, row[names["label"]])
