"""Proves that every format of dictionary gives the same words, that pivoting links what it should, and the faults."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.text.dictionaries import preparing
from scriptorium.text.dictionaries.entries import comparable
from scriptorium.text.dictionaries.spec import DictionarySpec
from tests.raw import Raw

LANG = 'xml:lang="{}"'


def gloss(text: str, language: str = "") -> str:
    return f'<gloss xml:lang="{language}">{text}</gloss>' if language else f"<gloss>{text}</gloss>"


def jmdict(*entries: str) -> bytes:
    """JMdict's XML with these glosses, an entry each, and a declared entity as the real one has."""
    head = '<?xml version="1.0"?><!DOCTYPE JMdict [<!ENTITY n "noun">]><JMdict>'
    body = "".join(f"<entry><sense><pos>&n;</pos>{each}</sense></entry>" for each in entries)
    return gzip.compress(f"{head}{body}</JMdict>".encode())


REAL = jmdict(
    gloss("house") + gloss("home") + gloss("das Haus (Gebäude)", "ger") + gloss("la maison", "fre"),
    gloss("to buy") + gloss("kaufen", "ger"),
    gloss("house") + gloss("Haus", "ger"),
    gloss("railway station") + gloss("Bahnhof", "ger"),
)


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def prepared(raw: Raw, files: dict, reader: str, languages=("en", "de"), **options) -> pd.DataFrame:
    source = {"dataset": "set", "reader": reader, "languages": list(languages), "options": options}
    spec = DictionarySpec.parse({"dictionary": "d", "sources": [source]})
    (path,) = preparing.prepare(spec, [raw.add(files)], raw.root, raw.ledger)
    return pd.read_parquet(path)


def words(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(table[["word_a", "word_b"]].itertuples(index=False, name=None))


def test_japanese_entries_link_words_and_articles_are_left_out(raw):
    table = prepared(raw, {"jmdict.xml.gz": REAL}, "jmdict_pivot")
    assert set(table["lang_a"]) == {"de"} and set(table["lang_b"]) == {"en"}
    # the languages are in the order of the alphabet; "railway station" is two words, so nothing links Bahnhof
    assert words(table) == {("haus", "house"), ("haus", "home"), ("kaufen", "buy")}


def test_support_asks_that_entries_agree(raw):
    assert words(prepared(raw, {"jmdict.xml.gz": REAL}, "jmdict_pivot", support=2)) == {("haus", "house")}


@pytest.mark.parametrize(
    "files",
    [
        {"en-de.txt": "house Haus\nbuy\tkaufen\n\nHouse haus\n", "de-en.txt": "wrong direction\n"},
        {"en-de.0-5000.txt": "house Haus\n", "en-de.txt.gz": gzip.compress(b"buy kaufen\n")},
    ],
)
def test_muse_reads_its_own_direction_once(raw, files):
    assert words(prepared(raw, files, "muse")) == {("haus", "house"), ("kaufen", "buy")}


@pytest.mark.parametrize(
    ("files", "reader", "languages", "message"),
    [
        ({"en-de.txt": "house Haus\none two three\n"}, "muse", ("en", "de"), "3 cells instead of a word"),
        ({"en-de.txt": "house Haus\n"}, "muse", ("en", "fr"), "no file en-fr.txt"),
        ({"en-de.txt": "house\tHaus\xe4\n".encode("latin-1")}, "muse", ("en", "de"), "UTF-8"),
        ({"jmdict.xml.gz": gzip.compress(b"<JMdict><entry>")}, "jmdict_pivot", ("en", "de"), "not JMdict's XML"),
        ({"jmdict.xml.gz": REAL[:-20]}, "jmdict_pivot", ("en", "de"), "not JMdict's XML"),
        ({"jmdict.xml.gz": REAL}, "jmdict_pivot", ("en", "zh"), "no language 'zh' in JMdict"),
        ({"jmdict.xml.gz": REAL}, "jmdict_pivot", ("en", "sv"), "no entry has words in both"),
        ({"en-de.txt": "... !!\n"}, "muse", ("en", "de"), "no pair of words is left"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(raw, files, reader, languages, message):
    with pytest.raises(UserError, match=message) as told:
        prepared(raw, files, reader, languages)
    assert told.value.where and told.value.remedy


def test_a_dictionary_is_looked_up_in_both_directions(raw):
    prepared(raw, {"jmdict.xml.gz": REAL}, "jmdict_pivot")
    path = raw.root / "entries.parquet"
    assert preparing.translations(path, "de", "en")["haus"] == {"house", "home"}
    assert preparing.translations(path, "en", "de")["home"] == {"haus"}
    assert preparing.translations(path, "en", "fr") == {}


@pytest.mark.parametrize(
    ("word", "form"),
    [("Ärzte,", "ärzte"), ("A\u0308rzte", "ärzte"), ("«Straße»", "strasse"), ("l'eau", "l'eau"), ("...", "")],
)
def test_words_are_compared_without_case_and_outer_punctuation(word, form):
    assert comparable(word) == form
