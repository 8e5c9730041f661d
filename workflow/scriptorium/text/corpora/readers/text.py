"""The user's own .txt files in UTF-8 (also .txt.gz, .zst, .bz2), one or many, in the order of their names.

Raises UserError for a file that is empty or not text (file and line named).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.documents import Document, lines_of

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import TextOptions

SUFFIXES = lines.suffixes(".txt")


def read(artifact: Path, options: TextOptions, ledger: Ledger) -> Iterator[Document]:
    """Documents end at a blank line, at every line's end, or at the file's, where blank lines separate paragraphs."""
    paths = _chosen(members(artifact, *SUFFIXES), options.files, artifact)
    lines.check_heads(paths)
    for path in paths:
        name, found = lines.stem(path, artifact, SUFFIXES), False
        for number, paragraphs in enumerate(_documents(path, options.documents, options.join_lines)):
            found = True
            yield (name if options.documents == "file" else f"{name}-{number:05d}"), paragraphs
        if not found:
            raise lines.empty(path)


def _chosen(paths: list[Path], pattern: str, artifact: Path) -> list[Path]:
    found = [path for path in paths if not pattern or fnmatch(path.name, pattern)]
    if not found:
        raise UserError(
            f"no file matches {pattern!r}; there are {', '.join(path.name for path in paths[:8])}",
            where=artifact,
            remedy="correct options.files of this source",
        )
    return found


def _documents(path: Path, kind: str, join: bool) -> Iterator[list[str]]:
    """Paragraphs of each document of a file."""
    texts = lines_of(path)
    if kind == "line":
        yield from ([line] for line in texts if line.strip())
        return
    blocks = _blocks(texts)
    parts = ([" ".join(block)] if join else block for block in blocks)
    if kind == "blank":
        yield from parts
    elif whole := [paragraph for part in parts for paragraph in part]:
        yield whole


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Lines between blank ones."""
    block: list[str] = []
    for line in texts:
        if line.strip():
            block.append(line)
        elif block:
            yield block
            block = []
    if block:
        yield block
