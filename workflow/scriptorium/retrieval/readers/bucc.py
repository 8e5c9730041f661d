"""BUCC 2018: two large collections of texts, of which a few translate one another.

For each language de-en.sample.de, de-en.sample.en and de-en.sample.gold, on which the threshold is tuned, and
de-en.training.*, which is the test (XTREME: dev and test). Texts are lines of id TAB text, gold of id TAB id.
XTREME's download removes the gold of its test; it stands in BUCC's own archive, de-en.training.gold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scriptorium.errors import UserError, nearest
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.retrieval.collection import DEV, TEST, Part, Side, part

if TYPE_CHECKING:
    from scriptorium.retrieval.spec import CollectionSpec

NAME = re.compile(r"([a-z]{2,3})-([a-z]{2,3})\.(sample|dev|training|test)\.([a-z]{2,3}|gold)")
SPLITS = {"sample": DEV, "dev": DEV, "training": TEST, "test": TEST}
GOLD = "gold"


def read(spec: CollectionSpec, artifact: Path, ledger: Ledger) -> Iterator[Part]:
    """For each language dev and test. All names are checked before the first file is read.

    Raises UserError: a language or one of its six files is missing, a line without id and text, an empty text, an id
    that is there twice, gold that names no text, not UTF-8.
    """
    found: dict[str, dict[tuple[str, str], Path]] = {}
    for path in members(artifact):
        named = NAME.fullmatch(path.name)
        if named and named[2] == spec.pivot:
            found.setdefault(named[1], {})[SPLITS[named[3]], named[4]] = path
    for language in spec.languages:
        if language not in found:
            raise UserError(
                f"no file for language {language!r}, {nearest(language, found)}",
                where=artifact,
                remedy=f"add {language}-{spec.pivot}.training.{language} and its companions, or correct `languages`",
            )
    chosen = {language: found[language] for language in spec.languages or sorted(found)}
    for language, files in chosen.items():
        for split in (DEV, TEST):
            for ending in (language, spec.pivot, GOLD):
                if (split, ending) not in files:
                    name = {DEV: "sample", TEST: "training"}[split]
                    raise UserError(
                        f"{language}-{spec.pivot}.{name}.{ending} is missing",
                        where=artifact,
                        remedy="take it from BUCC's own archives, since XTREME's download removes the gold of its test",
                    )
    lines.check_heads([path for files in chosen.values() for path in files.values()])
    for language, files in chosen.items():
        for split in (DEV, TEST):
            own, pivot = (_side(code, files[split, code]) for code in (language, spec.pivot))
            yield part(split, own, pivot, _gold(files[split, GOLD], own, pivot))


def _side(language: str, path: Path) -> Side:
    texts: dict[str, str] = {}
    for place, name, text in _columns(path, "an id, a tab and a text"):
        if name in texts:
            raise UserError(f"the id {name} is there twice", where=place, remedy="get the file again")
        texts[name] = text
    return Side(language, list(texts), list(texts.values()))


def _gold(path: Path, own: Side, pivot: Side) -> np.ndarray:
    """int64 [pairs, 2], each once."""
    known = [{name: row for row, name in enumerate(side.ids)} for side in (own, pivot)]
    rows = {}
    for place, *names in _columns(path, "two ids with a tab between them"):
        for name, there in zip(names, known, strict=True):
            if name not in there:
                raise UserError(f"no text has the id {name}", where=place, remedy="give gold and texts of one archive")
        rows[tuple(there[name] for name, there in zip(names, known, strict=True))] = None
    return np.array(list(rows)).reshape(-1, 2)


def _columns(path: Path, wanted: str) -> Iterator[tuple[str, str, str]]:
    """(place, first, second) of every line."""
    for number, line in lines.lines(path):
        first, tab, second = line.partition("\t")
        if not (tab and first.strip() and second.strip()):
            raise UserError(
                f"expected {wanted}, found {line[:60]!r}", where=f"{path}, line {number}", remedy="get the file again"
            )
        yield f"{path}, line {number}", first.strip(), second.strip()
