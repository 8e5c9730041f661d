"""What a corpus must not hold: the texts of tasks that its models are tested on.

A document is left out if its whole text is a text of one of the tasks, case and white space aside, and so is every
paragraph that such a document has, wherever else it stands: news is printed again with a sentence changed. Texts are
compared by digests of 128 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from scriptorium import manifest
from scriptorium.files.tables import clean

SHORTEST = 8  # words of a paragraph that counts as the task's own; shorter ones are headings and phrases (ours)


class Excluded:
    """The texts of prepared tasks, and the paragraphs of the documents that are among them."""

    def __init__(self, tasks: Sequence[Path] = ()):
        """tasks: manifests."""
        self._texts = {_digest(text) for path in tasks for text in _texts(path)}
        self._paragraphs: set[bytes] = set()
        self.documents = 0  # that were found

    def __bool__(self) -> bool:
        return bool(self._texts)

    def learn(self, paragraphs: Sequence[str]) -> None:
        """Know a document's paragraphs, if it is excluded."""
        if self.has(paragraphs):
            self.documents += 1
            self._paragraphs |= {_digest(text) for text in paragraphs if len(text.split()) >= SHORTEST}

    def has(self, paragraphs: Sequence[str]) -> bool:
        """Whether this document (cleaned paragraphs) is one of the tasks' texts."""
        return bool(self._texts) and _digest(" ".join(filter(None, paragraphs))) in self._texts

    def without(self, paragraphs: Iterable[str]) -> list[str]:
        """Those that are neither a text of a task nor a paragraph of one."""
        if not self:
            return list(paragraphs)
        digests = ((text, _digest(text)) for text in paragraphs)
        return [text for text, own in digests if own not in self._texts and own not in self._paragraphs]


def _texts(artifact: Path) -> Iterable[str]:
    """All texts of a prepared task, of all its splits."""
    for entry in manifest.read(artifact)["files"]:
        if entry["path"].endswith(".parquet"):
            table = pd.read_parquet(artifact.parent / entry["path"], columns=["text", "text_b"])
            for column in table:
                yield from table[column].dropna()


def _digest(text: str) -> bytes:
    return hashlib.blake2b(clean(text).casefold().encode(), digest_size=16).digest()
