"""A dump of Wikipedia (pages-articles.xml, also compressed): an article is a document, its running text the paragraphs.

Redirects, pages beside the articles (talk, templates) and articles that are mostly lists, of fewer than WORDS words of
running text, are left out (ours).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import XMLParser

from scriptorium.errors import UserError
from scriptorium.files import lines
from scriptorium.files.damage import reading
from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.text.corpora import wiki_markup
from scriptorium.text.corpora.documents import Document

if TYPE_CHECKING:
    from scriptorium.text.corpora.readers.spec import ReaderOptions

SUFFIXES = (*lines.suffixes(".xml"), "-shortened.bz2")  # the second: a part of a dump that gensim tests with
WORDS = 50
ARTICLES = "0"  # their namespace
KEPT = ("title", "ns", "id", "text")  # what is read of a page; its first id is its own


def read(artifact: Path, options: ReaderOptions, ledger: Ledger) -> Iterator[Document]:
    """Every article, named by its number. Raises UserError naming file and line: not XML, cut off, no page in it."""
    paths = members(artifact, *SUFFIXES)
    lines.check_heads(paths)
    for path in paths:
        pages = 0
        for pages, page in enumerate(_pages(path), start=1):
            if page.get("ns") != ARTICLES or "redirect" in page:
                continue
            paragraphs = wiki_markup.paragraphs(page.get("text", ""))
            if sum(len(paragraph.split()) for paragraph in paragraphs) >= WORDS:
                yield page.get("id", f"page-{pages}"), paragraphs
        if not pages:
            raise UserError("holds no <page>", where=path, remedy="give a dump of pages-articles")


def _pages(path: Path) -> Iterator[dict[str, str]]:
    """The pages of a file, one at a time."""
    target = _Pages(path)
    parser = XMLParser(target=target)
    for number, line in lines.lines(path):
        target.line = number
        with reading(f"{path}, line {number}", "XML"):
            parser.feed(line + "\n")
        yield from target.take()
    with reading(f"{path}, line {target.line}", "XML"):
        parser.close()
    yield from target.take()


class _Pages:
    """Collects what is read of each page; nothing else of the dump stays in memory.

    A document type is refused before it is read: dumps have none, and only there can entities be defined, which unfold
    without end or name other files.
    """

    def __init__(self, path: Path):
        self.path, self.line = path, 0
        self._page: dict[str, str] = {}
        self._parts: list[str] = []
        self._whole: list[dict[str, str]] = []

    def take(self) -> list[dict[str, str]]:
        """The pages that ended since the last call."""
        whole, self._whole = self._whole, []
        return whole

    def doctype(self, *_: object) -> None:
        raise UserError(
            "declares a document type, which a dump of Wikipedia does not",
            where=f"{self.path}, line {self.line}",
            remedy="give a dump as it was published",
        )

    def start(self, tag: str, _: dict[str, str]) -> None:
        name = _local(tag)
        self._parts = []
        if name == "page":
            self._page = {}
        elif name == "redirect":
            self._page[name] = ""

    def data(self, text: str) -> None:
        self._parts.append(text)

    def end(self, tag: str) -> None:
        name = _local(tag)
        if name in KEPT:
            self._page.setdefault(name, "".join(self._parts))
        elif name == "page":
            self._whole.append(self._page)
        self._parts = []


def _local(tag: str) -> str:
    """A tag without its name space."""
    return tag.rpartition("}")[2]
