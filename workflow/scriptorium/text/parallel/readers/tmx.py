"""TMX, the exchange format of translation memories (.tmx, also compressed): a <tuv> per language in every <tu>.

Read by expat, as a stream. A document type may be named, since many programs write one, but nothing is loaded for it;
declared entities are refused, so no file can be made to grow without limit, nor to read others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import pyarrow as pa

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource

SUFFIXES = lines.suffixes(".tmx")
BYTES_PER_READ = 1 << 16
MARKUP = frozenset(("bpt", "ept", "it", "ph", "ut"))  # inside a segment: codes of the program, not text


def read(source: ParallelSource, artifact: Path, ledger: Ledger) -> Iterator[Pair]:
    """The units that have both languages. `en` is also found as EN or en-US, if there is no other; the first counts.

    Raises UserError: not XML, entities, a text without its language, or no unit with both languages.
    """
    paths = members(artifact, *SUFFIXES)
    for path in paths:
        if path.stat().st_size == 0:
            raise lines.empty(path)
    for path in paths:
        name, found, languages = lines.stem(path, artifact, SUFFIXES), 0, set()
        for number, (line, texts) in enumerate(_units(path), start=1):
            languages |= texts.keys()
            chosen = [_side(texts, code) for code in source.languages]
            if None not in chosen:
                found += 1
                yield Pair(f"{name}-{number:08d}", f"{path}, line {line}", *chosen)
        if not found:
            raise UserError(
                f"no unit in both {' and '.join(source.languages)}; its languages: {', '.join(sorted(languages))}",
                where=path,
                remedy="correct `languages` of this source",
            )
        ledger.note(f"{path.name}: {found} of {number} units have both languages")


def _side(texts: dict[str, str], code: str) -> str | None:
    if code.lower() in texts:
        return texts[code.lower()]
    return next((text for tag, text in texts.items() if tag.split("-")[0] == code.lower()), None)


def _units(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line of its <tu>, {language in small letters: text}) of every unit."""
    handler = _Handler(path)
    for chunk in _chunks(path):
        try:
            handler.parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise UserError(
                f"not XML: {expat.errors.messages[error.code]} at column {error.offset + 1}",
                where=f"{path}, line {error.lineno}",
                remedy="mend the file, or get it again; its first line names its encoding",
            ) from None
        yield from handler.units
        handler.units = []


def _chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a file in pieces; the last piece is empty."""
    try:
        with lines.open_binary(path) as handle:
            yield from iter(lambda: handle.read(BYTES_PER_READ), b"")
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        raise UserError(
            f"cannot be read: {error}", where=path, remedy="the file may be cut off or damaged: get it again"
        ) from None
    yield b""


class _Handler:
    """What expat calls."""

    def __init__(self, path: Path):
        self.path, self.units = path, []
        self.texts: dict[str, str] = {}
        self.language, self.segment, self.markup, self.line, self.found_root = "", None, 0, 0, False
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self.start, self.end
        parser.CharacterDataHandler = self.data
        parser.EntityDeclHandler = self.entity
        parser.SkippedEntityHandler = self.entity

    def fault(self, problem: str, remedy: str) -> UserError:
        return UserError(problem, where=f"{self.path}, line {self.parser.CurrentLineNumber}", remedy=remedy)

    def entity(self, name: str, *_: Any) -> None:
        raise self.fault(f"entity {name!r}: declared entities are not read", "write the text itself in its place")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.found_root and tag != "tmx":
            raise self.fault(f"<{tag}> instead of <tmx>", "give a file in TMX, or choose another reader")
        self.found_root = True
        if tag == "tu":
            self.texts, self.line = {}, self.parser.CurrentLineNumber
        elif tag == "tuv":
            self.language = (attributes.get("xml:lang") or attributes.get("lang") or "").lower()
            if not self.language:
                raise self.fault("<tuv> without its language", "give every <tuv> an xml:lang")
        elif tag == "seg":
            self.segment, self.markup = [], 0
        elif tag in MARKUP:
            self.markup += 1

    def data(self, text: str) -> None:
        if self.segment is not None and not self.markup:
            self.segment.append(text)

    def end(self, tag: str) -> None:
        if tag == "seg":
            self.texts.setdefault(self.language, "".join(self.segment))
            self.segment = None
        elif tag in MARKUP:
            self.markup -= 1
        elif tag == "tu":
            self.units.append((self.line, self.texts))
