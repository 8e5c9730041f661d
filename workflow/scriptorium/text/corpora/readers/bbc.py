"""BBC news (Greene and Cunningham 2006): an article per file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members, read_text
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.documents import Document

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import ReaderOptions


def read(artifact: Path, options: ReaderOptions, ledger: Ledger) -> Iterator[Document]:
    """Every article. A file that is not UTF-8 is read as Windows-1252, and the ledger says so."""
    for path in members(artifact, ".txt"):
        name = path.relative_to(artifact.parent).as_posix()
        try:
            text = read_text(path)
        except lines.NotUtf8:
            try:
                text = path.read_bytes().decode("cp1252")
            except UnicodeDecodeError:
                raise UserError("neither UTF-8 nor Windows-1252", where=path, remedy="fetch it again") from None
            ledger.note(f"{name} is not UTF-8: read as Windows-1252")
        yield name.removesuffix(".txt"), text.splitlines()
