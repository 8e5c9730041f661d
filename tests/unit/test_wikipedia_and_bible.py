"""Proves what is kept of wiki markup, of a dump of Wikipedia and of the World English Bible."""

from __future__ import annotations

import bz2
import gzip

import pytest

from scriptorium.text.corpora.readers import wikipedia
from scriptorium.text.corpora.wiki_markup import paragraphs
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


@pytest.mark.parametrize(
    ("markup", "kept"),
    [
        ("'''Bold''' and ''italic'' words.", "Bold and italic words."),
        ("A [[monk]] and two [[abbot (title)|abbots]] met.", "A monk and two abbots met."),
        ("Before {{convert|5|km|{{nested|x}}}}after.", "Before after."),
        ("One.<ref name=a>A [[book]].</ref> Two.<ref name=a /> Three.", "One. Two. Three."),
        ("[[File:Map.png|thumb|A [[map]] of [[Rome|it]]]]The city.", "The city."),
        ("[[Category:Monks]][[de:Mönch]]Text.", "Text."),
        ("See [http://a.org/x the page] here, or https://b.org now.", "See the page here, or  now."),
        ("Kept <!-- not\nkept --> too.", "Kept  too."),
        ("A&nbsp;b &amp; c<br />d, H<sub>2</sub>O.", "A\xa0b & cd, H2O."),
        ("The Greek ({{lang|el|ab}}) word.", "The Greek  word."),
        ("[[:Category:Monks|Monks]] are listed.", "Monks are listed."),
    ],
)
def test_the_words_that_a_reader_sees_stay(markup, kept):
    assert paragraphs(markup) == [kept]


@pytest.mark.parametrize(
    "markup",
    [
        "== Heading ==",
        "* item",
        "# item",
        ": indented",
        "{| class=x\n|-\n| cell {{t}}\n|}",
        "__NOTOC__",
        "a {{ b",
        "a ]] b",
    ],
)
def test_headings_lists_tables_and_broken_markup_go(markup):
    assert paragraphs(f"One.\n{markup}\nTwo.") == ["One.", "Two."]


def page(number: int, text: str, ns: int = 0, more: str = "") -> str:
    inside = f"<title>T</title><ns>{ns}</ns><id>{number}</id>{more}<revision><id>99</id><text>{text}</text></revision>"
    return f"<page>{inside}</page>\n"


def dump(*pages: str) -> str:
    return f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">\n{"".join(pages)}</mediawiki>\n'


LONG = "A word and another. " * 15


def test_articles_are_documents_named_by_their_number_and_all_else_goes(raw):
    text = dump(
        page(12, f"'''First.''' {LONG}\n\n== See also ==\n* [[list]]\nSecond &amp;lt;b&amp;gt; paragraph."),
        page(13, LONG, ns=1),
        page(14, LONG, more='<redirect title="x" />'),
        page(15, "Too short."),
        page(16, f"Other. {LONG}"),
    )
    made = raw.corpus(("wikipedia", {"part.xml.bz2": bz2.compress(text.encode())}))
    assert made["id"].tolist() == ["set0/12", "set0/16"]
    assert made["text"][0] == f"First. {LONG}".strip() + "\nSecond  paragraph.".replace("  ", " ")


def test_pages_leave_memory_one_after_the_other(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(dump(*(page(number, LONG) for number in range(3))), encoding="utf-8")
    pages = wikipedia._pages(path)
    assert [next(pages)["id"] for _ in range(3)] == ["0", "1", "2"]


def test_chapters_are_documents_of_verses_without_notes(raw):
    table = (
        'field,field,field,field,field\n"1","1","1","1","In the beginning{Or ""first""} was, it said, ""light""."\n'
        '"2","1","1","2","Second verse."\n"3","1","2","1","Next chapter."\n"4","19","119","1","A psalm."\n'
    )
    made = raw.corpus(("bible", {"web.csv.gz": gzip.compress(table.encode())}))
    assert made["id"].tolist() == ["set0/01-001", "set0/01-002", "set0/19-119"]
    assert made["text"][0] == 'In the beginning was, it said, "light".\nSecond verse.'
