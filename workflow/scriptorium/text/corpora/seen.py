"""What a corpus had before."""

from __future__ import annotations

import hashlib
from pathlib import Path

from scriptorium.text.digest_store import DigestStore

PARAGRAPHS, NAMES, DOCUMENTS = "paragraphs", "names", "documents"


class Seen(DigestStore):
    """Paragraphs and names that were there before, and the hashes by which documents are held out."""

    def __init__(self, path: Path):
        super().__init__(path, (PARAGRAPHS, NAMES, DOCUMENTS))

    def new_paragraphs(self, paragraphs: list[str]) -> list[str]:
        """Those that were not there before, in their order; from now on they are known."""
        return [text for text in paragraphs if text and self.add(PARAGRAPHS, _digest(text))]

    def new_name(self, name: str) -> bool:
        """Whether no document had this name; from now on it is known."""
        return self.add(NAMES, _digest(name))

    def add_document(self, order: bytes) -> None:
        """Count a document and keep the hash that decides whether it is held out."""
        self.add(DOCUMENTS, order)

    @property
    def documents(self) -> int:
        """How many there are."""
        return self.count(DOCUMENTS)

    def smallest(self, count: int) -> bytes:
        """The `count`-th smallest hash of the documents, count from 1."""
        return self.nth(DOCUMENTS, count)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
