"""Sentences that pre-training has not seen: those of a corpus's held-out documents.

A corpus holds each paragraph once (text/corpora/preparing.py), so none of these stands in a training document as a
paragraph. Sentences are split by punctuation (text/sentences.py). Taken are those that look like running text (ours):
they begin with a capital letter, end with . ! or ?, and have no quotation marks or brackets.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.files import parquet
from scriptorium.text.sentences import one_per_line

if TYPE_CHECKING:
    from scriptorium.minimal_pairs.readers.spec import HeldOutSettings

PROSE = re.compile(r"[A-Z][^\"()\[\]{}<>|]*[.!?]")


class Sentence(NamedTuple):
    """A held-out sentence, and the data set that it is from."""

    text: str
    source: str


def sentences(artifact: Path, options: HeldOutSettings) -> Iterator[Sentence]:
    """Distinct held-out sentences in the order of their hash, which neither place nor number of others changes.

    artifact: manifest of a corpus. Raises UserError if it holds no documents.parquet.
    """
    found: dict[str, str] = {}
    for source, text in _documents(artifact):
        for line in "".join(one_per_line([text])).split("\n"):
            words = len(line.split())
            if options.shortest <= words <= options.longest and PROSE.fullmatch(line):
                found.setdefault(line, source)
    for text in sorted(found, key=lambda text: digest(options.seed, text)):
        yield Sentence(text, found[text])


def digest(seed: int, text: str) -> int:
    """A number of 64 bits, by which sentences are ordered and their words are chosen."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{text}".encode()).digest()[:8], "big")


def _documents(artifact: Path) -> Iterator[tuple[str, str]]:
    """(source, text) of the held-out documents, a batch of rows in memory at a time."""
    path = manifest.the_parquet(artifact)
    columns = ("source", "split", "text")
    if missing := set(columns) - set(parquet.schema(path).names):
        raise UserError(f"no column {', '.join(sorted(missing))}", where=path, remedy="prepare the corpus again")
    for _, row in parquet.rows(path, columns):
        if row["split"] == "validation":
            yield row["source"], row["text"]
