"""FreeDict's dictionaries in TEI (eng-deu.tei, also compressed): headwords and the translations of their senses.

Read as a stream, without anything for its document type and without entities (text/xml_stream.py). A headword is an
<orth> of an entry's own form, a translation a <quote> of a <cit type="trans">, or a <tr> in older files; examples and
their translations, related entries and inflected forms are left out. So are brackets in a headword or a translation
(ours).

The languages of a file stand in it (xml:lang of its body and of its translations), else in its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text import xml_stream
from scriptorium.text.dictionaries.entries import Entry
from scriptorium.text.languages.names import short

if TYPE_CHECKING:
    from scriptorium.text.dictionaries.spec import DictionarySource

SUFFIXES = lines.suffixes(".tei", ".xml")
NAME = re.compile(r"([a-z]{2,3})-([a-z]{2,3})\b")
LANG = "xml:lang"
BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
OTHERS = frozenset(("re", "note", "def", "xr", "etym"))  # inside an entry, but not about its headword's translations


@dataclass
class Article:
    """An entry: where it begins, its headwords and its translations, and what languages it says they are of."""

    line: int
    heads: list[str] = field(default_factory=list)
    translations: list[str] = field(default_factory=list)
    languages: tuple[set[str], set[str]] = field(default_factory=lambda: (set(), set()))


def read(source: DictionarySource, artifact: Path, ledger: Ledger) -> Iterator[Entry]:
    """Every headword with every translation. Raises UserError: no file of these languages, languages that are others or
    the other way round, not XML, entities, no entry with a translation."""
    paths = members(artifact, *SUFFIXES)
    wanted = tuple(code.split("-")[0] for code in source.languages)
    own = [path for path in paths if _named(path) in (wanted, None)]
    if not own:
        raise UserError(
            f"no file from {source.languages[0]} to {source.languages[1]}; there are "
            f"{', '.join(sorted(path.name for path in paths)[:8])}",
            where=artifact,
            remedy="correct `languages` of this source: headwords are in the first one",
        )
    for path in own:
        if path.stat().st_size == 0:
            raise lines.empty(path)
        entries = translated = 0
        for article in xml_stream.stream(path, _Handler):
            entries += 1
            translated += bool(article.heads and article.translations)
            _check(path, article, wanted)
            for head in article.heads:
                for translation in article.translations:
                    yield Entry(f"{path}, line {article.line}", head, translation)
        if not translated:
            raise UserError(
                f"none of {entries} entries has a headword and a translation",
                where=path,
                remedy="give a dictionary of FreeDict in TEI, or choose another reader",
            )
        ledger.note(f"{path.name}: {entries} entries, {translated} of them with translations")


def _named(path: Path) -> tuple[str, str] | None:
    """The languages that a file's name tells."""
    found = NAME.match(path.name)
    return (short(found[1]), short(found[2])) if found else None


def _check(path: Path, article: Article, wanted: tuple[str, ...]) -> None:
    """Every entry that names languages names those."""
    for what, found, code in zip(("headwords", "translations"), article.languages, wanted, strict=True):
        if found - {code}:
            head, translation = (next(iter(words), "?") for words in (article.heads, article.translations))
            raise UserError(
                f"{what} in {', '.join(sorted(found))}, not in {code}: {head!r} is translated by {translation!r}",
                where=f"{path}, line {article.line}",
                remedy="correct `languages` of this source: headwords are in the first one",
            )


class _Handler(xml_stream.Handler):
    """Entries of a TEI file."""

    roots = frozenset(("TEI", "TEI.2"))
    remedy = "give a dictionary in TEI, or choose another reader"

    def __init__(self, path: Path):
        super().__init__(path)
        self.open: list[tuple[str, str, str]] = []  # of every open element: its tag, its type, its language
        self.article: Article | None = None
        self.text: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.open.append((tag, attributes.get("type", ""), attributes.get(LANG, "")))
        if tag == "entry":
            self.article = Article(self.parser.CurrentLineNumber)
        elif self.article and (self._is_head(tag) or self._is_translation(tag)):
            self.text = []

    def data(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def end(self, tag: str) -> None:
        if self.text is not None and (self._is_head(tag) or self._is_translation(tag)):
            place = 0 if self._is_head(tag) else 1
            word = " ".join(BRACKETS.sub(" ", "".join(self.text)).split())
            if word:
                (self.article.heads, self.article.translations)[place].append(word)
                self.article.languages[place].update(map(short, filter(None, [self._language(place)])))
            self.text = None
        elif tag == "entry":
            self.done.append(self.article)
            self.article = None
        self.open.pop()

    def _inside(self) -> list[tuple[str, str, str]]:
        """The open elements of the entry, without the entry itself."""
        start = max(place for place, (tag, *_) in enumerate(self.open) if tag == "entry")
        return self.open[start + 1 :]

    def _is_head(self, tag: str) -> bool:
        inside = self._inside()
        return tag == "orth" and [each for each, *_ in inside] == ["form", "orth"] and inside[0][1] != "infl"

    def _is_translation(self, tag: str) -> bool:
        inside = self._inside()
        if any(each in OTHERS for each, *_ in inside):
            return False
        cited = [kind for each, kind, _ in inside if each == "cit"]
        return (tag == "quote" and cited == ["trans"]) or (tag == "tr" and not cited)

    def _language(self, place: int) -> str:
        """That of the innermost element that names one: for a translation none above its own <cit> or <trans>, for a
        headword none above the body, since the root tells the language of the file's own notes."""
        tops = ("cit", "trans") if place else ("body",)
        tags = [tag for tag, *_ in self.open]
        top = next((at for at, tag in enumerate(tags) if tag in tops), len(tags))
        return next((language for _, _, language in reversed(self.open[top:]) if language), "")
