"""Two files of as many lines, one per language (Moses, OPUS, Multi30k): line n of one is line n of the other.

The files of a data set are told by their endings: train.en and train.de, or corpus.de-en.de and corpus.de-en.en, also
compressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource


def read(source: ParallelSource, artifact: Path, ledger: Ledger) -> Iterator[Pair]:
    """Every pair of lines. All files are counted before the first is read.

    Raises UserError: a file without its partner, or with another number of lines.
    """
    partners = _partners(source, artifact)
    lines.check_heads([path for pair in partners.values() for path in pair])
    for pair in partners.values():
        _check_counts(*pair)
    for name, (first, second) in partners.items():
        for (number, one), (_, other) in zip(lines.lines(first), lines.lines(second), strict=True):
            yield Pair(f"{name}-{number:08d}", f"{first.name} and {second.name}, line {number}", one, other)


def _partners(source: ParallelSource, artifact: Path) -> dict[str, tuple[Path, Path]]:
    """Name of a pair of files -> the two, in the order of the names."""
    sides = []
    for code in source.languages:
        endings = lines.suffixes(f".{code}")
        sides.append({lines.stem(path, artifact, endings): path for path in members(artifact, *endings)})
    for mine, other, code in ((sides[0], sides[1], source.languages[1]), (sides[1], sides[0], source.languages[0])):
        for name in sorted(mine.keys() - other.keys()):
            raise UserError(
                f"there is no file {name}.{code} beside it",
                where=mine[name],
                remedy="give both files the same name but for the language, or correct `members` of this data set",
            )
    return {name: (sides[0][name], sides[1][name]) for name in sorted(sides[0])}


def _check_counts(first: Path, second: Path) -> None:
    """Both are read to their end, so a fault of encoding is found before the long work as well."""
    counts = [sum(1 for _ in lines.lines(path)) for path in (first, second)]
    if counts[0] != counts[1]:
        raise UserError(
            f"{counts[0]} lines, but {second.name} has {counts[1]}",
            where=first,
            remedy="line n of one must be the translation of line n of the other: get both files again",
        )
