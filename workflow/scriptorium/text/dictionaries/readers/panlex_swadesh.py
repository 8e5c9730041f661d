"""PanLex's Swadesh lists (Kamholz, Pool and Colowick 2014): swadesh110/eng-000.txt and swadesh207/eng-000.txt, a
concept in a line, its words with a tab between them; line n of every list is the same concept.

A concept without a word is an empty line. Words of one concept are translations of each other, all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.dictionaries.entries import Entry
from scriptorium.text.languages.names import short

if TYPE_CHECKING:
    from scriptorium.text.dictionaries.spec import DictionarySource

SUFFIXES = lines.suffixes(".txt")
NAME = re.compile(r"[a-z]{3}-\d{3}")  # PanLex's name of a variety of a language


def read(source: DictionarySource, artifact: Path, ledger: Ledger) -> Iterator[Entry]:
    """Words of the concepts that both languages have, of every list with both.

    Raises UserError: no list of a language, several varieties of it, lists of other lengths.
    """
    sides = [
        _lists(artifact, code, given)
        for code, given in zip(source.languages, (source.options.a, source.options.b), strict=True)
    ]
    names = [name for name in sides[0] if name in sides[1]]
    if not names:
        raise UserError(
            f"no list has both {' and '.join(source.languages)}: {', '.join(sorted(sides[0]))}; "
            f"{', '.join(sorted(sides[1]))}",
            where=artifact,
            remedy="give the files of one folder, swadesh110 or swadesh207",
        )
    for name in names:
        first, second = sides[0][name], sides[1][name]
        lines.check_heads([first, second])
        concepts = [list(lines.lines(path)) for path in (first, second)]
        if len(concepts[0]) != len(concepts[1]):
            raise UserError(
                f"{len(concepts[0])} concepts, but {second.name} has {len(concepts[1])}",
                where=first,
                remedy="line n of every list is the same concept: get both files again",
            )
        for (number, one), (_, other) in zip(*concepts, strict=True):
            for words in product(*([word for word in line.split("\t") if word.strip()] for line in (one, other))):
                yield Entry(f"{first} and {second.name}, row {number}", *words)


def _lists(artifact: Path, code: str, given: str) -> dict[str, Path]:
    """Folder -> the list of a language in it, of the variety `given` or of the only one."""
    found: dict[str, dict[str, Path]] = {}
    for path in members(artifact, *SUFFIXES):
        name = path.name.split(".")[0]
        if NAME.fullmatch(name) and (name == given or (not given and short(name[:3]) == code.split("-")[0])):
            found.setdefault(path.parent.relative_to(artifact.parent).as_posix(), {})[name] = path
    if not found:
        there = sorted({path.name for path in members(artifact, *SUFFIXES)})
        raise UserError(
            f"no list of {given or code}, such as {given or 'eng-000'}.txt; there are {', '.join(there[:8])}",
            where=artifact,
            remedy="correct `languages` of this source, or name the variety in its options: {a: ..., b: ...}",
        )
    for folder, varieties in found.items():
        if len(varieties) > 1:
            raise UserError(
                f"{len(varieties)} varieties of {code} in {folder}: {', '.join(sorted(varieties)[:8])}",
                where=artifact,
                remedy=f"name one in the source's options, such as {{a: {min(varieties)}}}",
            )
    return {folder: next(iter(varieties.values())) for folder, varieties in found.items()}
