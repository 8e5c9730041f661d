"""IMDB: film reviews, positive or negative (Maas et al. 2011), in the published folders or the hub's files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files import parquet
from scriptorium.files.tables import clean, members, read_text
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS, bare_name, need_classes, number_of

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

CLASSES = {"neg": "negative", "pos": "positive"}
BREAK = re.compile(r"<br\s*/?>")


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """{train,test}/{pos,neg}/<number>_<rating>.txt, or the hub's {train,test}-*.parquet with columns text and label (0:
    negative); the unlabelled reviews are not read.

    Validation is cut from train, the reviews of a film together where urls_pos.txt and urls_neg.txt lie beside the
    folders (line n, from 0, is the film of review n); the published train and test share no film. Line breaks <br />
    become blanks (ours).

    Raises UserError: an empty or not UTF-8 review, a file without a number, no reviews of a split and class.
    """
    need_classes(spec, *CLASSES.values())
    paths = members(artifact, ".txt", ".parquet")
    films = {
        (path.parent.name, path.stem.removeprefix("urls_")): read_text(path).splitlines()
        for path in paths
        if path.stem in ("urls_pos", "urls_neg")
    }
    rows = [row for path in sorted(paths) if path.suffix == ".parquet" for row in _of_hub(path)]
    for path in sorted(paths):
        if path.suffix == ".parquet":
            continue
        split, folder = path.parts[-3:-1]
        if split not in ("train", "test") or folder not in CLASSES:
            continue
        text = clean(BREAK.sub(" ", read_text(path)))
        if not text:
            raise UserError("the review is empty", where=path, remedy="fetch or copy it again")
        rows.append(
            {
                "id": f"{split}-{folder}-{path.stem}",
                "text": text,
                "text_b": None,
                "label": CLASSES[folder],
                "split": split,
                "group": (text, *_film(films, split, folder, path)),
            }
        )
    found = {(row["split"], row["label"]) for row in rows}
    for split in ("train", "test"):
        for folder, label in CLASSES.items():
            if (split, label) not in found:
                raise UserError(
                    f"no reviews in {split}/{folder}",
                    where=artifact,
                    remedy="correct location or members of the data set in datasets.tsv",
                )
    if not films:
        ledger.note("no urls_pos.txt and urls_neg.txt: validation may share films with train")
    return pd.DataFrame(rows, columns=[*FIELDS, "group"])


def _of_hub(path: Path) -> Iterator[dict]:
    """Rows of the hub's file of a split, which do not say what film they are of."""
    if (split := bare_name(path)) not in ("train", "test"):
        return
    for number, (place, row) in enumerate(parquet.rows(path, ("text", "label"))):
        text = clean(BREAK.sub(" ", row["text"])) if isinstance(row["text"], str) else ""
        if not text or row["label"] not in (0, 1):
            raise UserError("no text, or a label that is neither 0 nor 1", where=place, remedy="fetch it again")
        folder = ("neg", "pos")[row["label"]]
        yield {
            "id": f"{split}-{number}",
            "text": text,
            "text_b": None,
            "label": CLASSES[folder],
            "split": split,
            "group": (text,),
        }


def _film(films: Mapping[tuple[str, str], list[str]], split: str, folder: str, path: Path) -> tuple[str, ...]:
    """The film of a review, as a tuple of none or one."""
    if (urls := films.get((split, folder))) is None:
        return ()
    number = path.stem.partition("_")[0]
    if (film := number_of(number, len(urls))) is None:
        raise UserError(
            f"the name does not begin with a line number of urls_{folder}.txt ({len(urls)} lines)",
            where=path,
            remedy="give the files as published",
        )
    # one address per film: .../title/tt0406816/usercomments
    return (urls[film].strip(),)
