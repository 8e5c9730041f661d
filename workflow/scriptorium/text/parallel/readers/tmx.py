"""TMX, the exchange format of translation memories (.tmx, also compressed): a <tuv> per language in every <tu>."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text import xml_stream
from scriptorium.text.parallel.pairs import Pair

if TYPE_CHECKING:
    from scriptorium.text.parallel.spec import ParallelSource

SUFFIXES = lines.suffixes(".tmx")
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
        name, number, found, languages = lines.stem(path, artifact, SUFFIXES), 0, 0, set()
        for number, (line, texts) in enumerate(xml_stream.stream(path, _Handler), start=1):
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


class _Handler(xml_stream.Handler):
    """Units: (line of its <tu>, {language in small letters: text})."""

    roots = frozenset(("tmx",))
    remedy = "give a file in TMX, or choose another reader"

    def __init__(self, path: Path):
        super().__init__(path)
        self.texts: dict[str, str] = {}
        self.language, self.segment, self.markup, self.line = "", None, 0, 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
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
            self.done.append((self.line, self.texts))
