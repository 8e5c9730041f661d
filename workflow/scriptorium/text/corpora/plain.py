"""Readers of text files: the user's own, and WikiText."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members, settle
from scriptorium.ledger import Ledger

Document = tuple[str, list[str]]
TEXT = lines.suffixes(".txt")
WIKITEXT = lines.suffixes(".tokens", ".raw", ".txt")
HEADING = re.compile(r"\s*= (?!=)(.*\S) =\s*")  # of an article; sections have two or more equals signs: "= = ... = ="


def read_plain(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """The user's own .txt files in UTF-8 (also .txt.gz, .zst, .bz2), one or many, in the order of their names.

    options: documents = blank (a blank line ends a document) | line (every line is one) | file (every file is one,
    blank lines separate its paragraphs); join_lines = false keeps lines apart as paragraphs instead of joining them,
    for text with one sentence per line. Raises UserError for a file that is empty or not text (file and line named).
    """
    where = "config/config.yaml, corpora, options of reader text"
    settled = settle(options, where, documents="blank", join_lines=True)
    kind, join = settled["documents"], settled["join_lines"]
    if kind not in ("blank", "line", "file"):
        raise UserError(
            f"documents: {kind!r} is not one of blank, line, file",
            where=where,
            remedy="say what ends a document in your files",
        )
    paths = members(artifact, *TEXT)
    lines.check_heads(paths)
    for path in paths:
        name, found = lines.stem(path, artifact, TEXT), False
        for number, paragraphs in enumerate(_documents(path, kind, join)):
            found = True
            yield (name if kind == "file" else f"{name}-{number:05d}"), paragraphs
        if not found:
            raise lines.empty(path)


def read_wikitext(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """WikiText-2 and -103: a line `= Title =` starts an article; every line is a paragraph, headings lose their
    equals signs. The files' own marks, such as @-@ and <unk>, stay."""
    settle(options, "config/config.yaml, corpora, options of reader wikitext")
    paths = members(artifact, *WIKITEXT)
    lines.check_heads(paths)
    for path in paths:
        name, article, number = lines.stem(path, artifact, WIKITEXT), [], 0
        for line in _lines(path):
            if HEADING.fullmatch(line) and article:
                yield f"{name}-{number:05d}", article
                article, number = [], number + 1
            if text := line.strip(" ="):
                article.append(text)
        if not article:
            raise lines.empty(path)
        yield f"{name}-{number:05d}", article


def _documents(path: Path, kind: str, join: bool) -> Iterator[list[str]]:
    """Paragraphs of each document of a file."""
    texts = _lines(path)
    if kind == "line":
        yield from ([line] for line in texts if line.strip())
        return
    blocks = _blocks(texts)
    parts = ([" ".join(block)] if join else block for block in blocks)
    if kind == "blank":
        yield from parts
    elif whole := [paragraph for part in parts for paragraph in part]:
        yield whole


def _lines(path: Path) -> Iterator[str]:
    """Lines, also where they end in another way than by a line feed."""
    for _, line in lines.lines(path):
        yield from line.splitlines() or [""]


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
