"""Pharaoh's format: a text per language and a file of links, line by line (test.en, test.de, test.align), also
compressed.

A line of links is `0-0 1-2 2p3`: word 0 of the first language with word 0 of the second, and so on. `-` is sure; `p` or
`?` is possible. Words are what blanks separate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.alignments.linked import Linked, Side
from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import clean, members
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.alignments.spec import AlignmentsSpec

LINK = re.compile(r"(\d+)([-p?])(\d+)")
WORD = re.compile(r"\S+")


def read(spec: AlignmentsSpec, artifact: Path, ledger: Ledger) -> Iterator[Linked]:
    """Every line. All files are counted before the first is read.

    Raises UserError: a file without its two others, other numbers of lines, a link that is none.
    """
    for name, paths in _together(spec, artifact).items():
        lines.check_heads(paths)
        counts = [sum(1 for _ in lines.lines(path)) for path in paths]
        for path, count in zip(paths[1:], counts[1:], strict=True):
            if count != counts[0]:
                raise UserError(
                    f"{count} lines, but {paths[0].name} has {counts[0]}",
                    where=path,
                    remedy="line n of the texts and of the links belong together: get the three files again",
                )
        for (number, one), (_, other), (_, given) in zip(*map(lines.lines, paths), strict=True):
            place = f"{paths[2]}, line {number}"
            sure, possible = _links(given, spec.options.first, place)
            yield Linked(f"{name}-{number:06d}", place, _side(one), _side(other), sure, possible)


def _together(spec: AlignmentsSpec, artifact: Path) -> dict[str, list[Path]]:
    """Name -> both texts and the links."""
    found: list[dict[str, Path]] = []
    for ending in (*spec.languages, spec.options.links):
        endings = lines.suffixes(f".{ending}")
        found.append({lines.stem(path, artifact, endings): path for path in members(artifact, *endings)})
    for name in sorted(found[0].keys() | found[1].keys() | found[2].keys()):
        for own, ending in zip(found, (*spec.languages, spec.options.links), strict=True):
            if name not in own:
                there = next(each[name] for each in found if name in each)
                raise UserError(
                    f"there is no file {name}.{ending} beside it",
                    where=there,
                    remedy="give two texts and their links the same name but for the ending, or set options: {links: "
                    "...}, the ending of the links",
                )
    return {name: [own[name] for own in found] for name in sorted(found[0])}


def _side(line: str) -> Side:
    text = clean(line)
    return Side(text, tuple(match.span() for match in WORD.finditer(text)))


def _links(line: str, first: int, place: str) -> tuple[frozenset, frozenset]:
    kinds: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for word in line.split():
        found = LINK.fullmatch(word)
        if not found:
            raise UserError(
                f"{word!r} is no link", where=place, remedy="write sure links as 0-0, possible ones as 0p0 or 0?0"
            )
        kinds[found[2] == "-"].add((int(found[1]) - first, int(found[3]) - first))
    return frozenset(kinds[True]), frozenset(kinds[False])
