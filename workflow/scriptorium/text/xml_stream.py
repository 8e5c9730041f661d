"""XML of any size, read by expat as a stream, also compressed.

A document type may be named, since many programs write one, but nothing is loaded for it; declared entities are
refused, so no file can be made to grow without limit, nor to read others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from xml.parsers import expat

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.damage import reading

BYTES_PER_READ = 1 << 16


class Handler:
    """What expat calls. done: what is complete and has not been taken yet."""

    roots: ClassVar[frozenset[str]]  # what the outermost element may be
    remedy: ClassVar[str]  # where it is another

    def __init__(self, path: Path):
        self.path, self.done, self._found_root = path, [], False
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self.end
        parser.CharacterDataHandler = self.data
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._entity

    def fault(self, problem: str, remedy: str) -> UserError:
        """The error for what stands where the parser is."""
        return UserError(problem, where=f"{self.path}, line {self.parser.CurrentLineNumber}", remedy=remedy)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def data(self, text: str) -> None:
        """Text inside an element; one text may come in parts."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._found_root and tag not in self.roots:
            raise self.fault(f"<{tag}> instead of <{sorted(self.roots)[0]}>", self.remedy)
        self._found_root = True
        self.start(tag, attributes)

    def _entity(self, name: str, *_: Any) -> None:
        raise self.fault(f"entity {name!r}: declared entities are not read", "write the text itself in its place")


def stream(path: Path, kind: type[Handler]) -> Iterator[Any]:
    """What a handler of this kind makes of the file. Raises UserError: not XML, entities, what the handler says."""
    handler = kind(path)
    for chunk in _chunks(path):
        with reading(path, "XML"):
            try:
                handler.parser.Parse(chunk, not chunk)
            except expat.ExpatError as error:
                raise UserError(
                    f"not XML: {expat.errors.messages[error.code]} at column {error.offset + 1}",
                    where=f"{path}, line {error.lineno}",
                    remedy="mend the file, or get it again; its first line names its encoding",
                ) from None
        yield from handler.done
        handler.done = []


def _chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces; the last piece is empty."""
    with reading(path), lines.open_binary(path) as handle:
        yield from iter(lambda: handle.read(BYTES_PER_READ), b"")
    yield b""
