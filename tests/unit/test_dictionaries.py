"""Proves that every format of dictionary gives the same words, that pivoting links what it should, and the faults."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.text.dictionaries import matching, preparing
from scriptorium.text.dictionaries.entries import comparable
from scriptorium.text.dictionaries.spec import DictionarySpec
from tests.raw import Raw, damaged

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


def tei(*entries: str, body: str = ' xml:lang="en"') -> str:
    """A file of FreeDict with these entries; its notes are in English whatever its words are in."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE TEI SYSTEM "freedict-P5.dtd">\n'
    root = '<TEI xmlns="http://www.tei-c.org/ns/1.0" xml:lang="en"><teiHeader><title>t</title></teiHeader>'
    return f"{head}{root}<text><body{body}>\n" + "\n".join(entries) + "\n</body></text></TEI>\n"


def article(head: str, *quotes: str, language: str = "de", more: str = "") -> str:
    cited = "".join(f"<quote>{each}</quote>" for each in quotes)
    form = f"<form><orth>{head}</orth><form type='infl'><orth>{head}s</orth></form><pron>x</pron></form>"
    return f'<entry>{form}<sense><cit type="trans" xml:lang="{language}">{cited}</cit>{more}</sense></entry>'


EXAMPLE = '<cit type="example"><quote>my house</quote><cit type="trans"><quote>Hütte</quote></cit></cit>'
FREEDICT = tei(
    article(
        "house",
        "Haus",
        "Gebäude [arch.]",
        more=EXAMPLE + '<re type="idiom"><cit type="trans"><quote>Hof</quote></cit></re>',
    ),
    "<entry><form><orth>(to) buy</orth></form><trans><tr>kaufen</tr></trans></entry>",
    "<entry><form><orth>alone</orth></form></entry>",
    article("railway station", "Bahnhof"),
)
SWADESH = {
    "swadesh110/eng-000.txt": "house\thome\n\nbuy\n",
    "swadesh110/deu-000.txt": "Haus\nKatze\nkaufen\n",
    "swadesh110/fra-000.txt": "maison\nchat\n\n",
    "swadesh207/eng-000.txt": "dog\n",
    "swadesh207/deu-000.txt": "Hund\n",
    "langs110.txt": "eng-000\teng\n",
}
SOUND = {("haus", "house"), ("gebäude", "house"), ("kaufen", "buy")}


def test_freedict_has_headwords_and_translations_without_examples(raw):
    assert words(prepared(raw, {"eng-deu.tei": FREEDICT}, "freedict")) == SOUND
    (note,) = [note for note in raw.events("note") if note.startswith("set/en-de")]
    assert "1 several_words" in note and "3 kept" in note


def test_freedict_takes_the_file_of_its_direction_also_compressed(raw):
    other = tei(article("Hund", "dog", language="en"), body=' xml:lang="de"')
    files = {"eng-deu.tei.gz": gzip.compress(FREEDICT.encode()), "deu-eng.tei": other}
    assert words(prepared(raw, files, "freedict")) == SOUND
    assert words(prepared(raw, files, "freedict", ("de", "en"))) == {("hund", "dog")}


def test_words_of_one_concept_are_translations_in_every_list(raw):
    table = prepared(raw, SWADESH, "panlex_swadesh")
    assert words(table) == {("haus", "house"), ("haus", "home"), ("kaufen", "buy"), ("hund", "dog")}
    assert words(prepared(raw, SWADESH, "panlex_swadesh", ("en", "fr"))) == {("house", "maison"), ("home", "maison")}


def test_a_variety_is_named_where_there_are_several(raw):
    files = SWADESH | {"swadesh110/deu-001.txt": "Huus\n\n\n"}
    with pytest.raises(UserError, match="2 varieties of de in swadesh110: deu-000, deu-001"):
        prepared(raw, files, "panlex_swadesh")
    assert words(prepared(raw, files, "panlex_swadesh", b="deu-001")) == {("huus", "house"), ("huus", "home")}


@pytest.mark.parametrize(
    ("files", "options"),
    [
        ({"d.tsv": "en\tpos\tde\nhouse\tn\tHaus\n\nbuy\tv\tkaufen\nnew house\tn\tNeubau\n"}, {}),
        ({"d.txt.gz": gzip.compress(b"Haus\thouse\nkaufen\tbuy\n")}, {"header": False, "a": "2", "b": "1"}),
        ({"d.tsv": "English\tGerman\nhouse\tHaus\nbuy\tkaufen\n"}, {"a": "English", "b": "German"}),
    ],
)
def test_a_table_of_words_has_a_column_per_language(raw, files, options):
    assert words(prepared(raw, files, "tsv", **options)) == {("haus", "house"), ("kaufen", "buy")}


def test_exchanged_languages_and_foreign_words_are_found_in_the_texts(raw):
    prepared(raw, {"d.txt": "Haus\thouse\nkaufen\tbuy\nHand\thand\n"}, "tsv", header=False, a="1", b="2")
    path, texts = raw.root / "entries.parquet", ({"house", "hand", "buy"}, {"haus", "hand"})
    with pytest.raises(UserError, match="de and en are exchanged: 2 entries fit so, 1 as they stand; 'house', said to"):
        matching.check(path, ("en", "de"), texts)
    prepared(raw, {"d.txt": "Haus\thouse\nkaufen\tbuy\n"}, "tsv", header=False, a="2", b="1")
    assert matching.check(path, ("en", "de"), texts) == 1
    with pytest.raises(UserError, match="the dictionary has 'haus', 'kaufen' and 'buy', 'house', the texts 'hund' and"):
        matching.check(path, ("en", "de"), ({"dog"}, {"hund"}))


@pytest.mark.parametrize(
    ("reader", "files", "broken"),
    [
        ("freedict", {"eng-deu.tei": FREEDICT}, "eng-deu.tei"),
        ("freedict", {"eng-deu.tei.gz": gzip.compress(FREEDICT.encode())}, "eng-deu.tei.gz"),
        ("panlex_swadesh", SWADESH, "swadesh110/deu-000.txt"),
        ("tsv", {"d.tsv": "en\tde\nhouse\tHaus\nbuy\tkaufen\ndoor\tTür\n"}, "d.tsv"),
        ("muse", {"en-de.txt": "house Haus\nbuy kaufen\ndoor Tür\n"}, "en-de.txt"),
    ],
)
def test_damaged_files_are_read_or_refused_but_never_crash(raw, reader, files, broken):
    sound = files[broken] if isinstance(files[broken], bytes) else files[broken].encode()
    generator, refused = np.random.default_rng([len(reader), len(sound)]), 0
    for _ in range(60):
        try:
            table = prepared(raw, files | {broken: damaged(sound, generator)}, reader)
        except UserError as error:
            refused += 1
            assert str(raw.root / "set") in str(error) or "no pair of words is left" in str(error)
        else:
            assert (table["word_a"] != "").all() and not table.duplicated().any()
    assert refused > 0


@pytest.mark.parametrize(
    ("files", "reader", "languages", "message"),
    [
        ({"eng-deu.tei": FREEDICT}, "freedict", ("de", "en"), "no file from de to en; there are eng-deu.tei"),
        (
            {"words.tei": FREEDICT},
            "freedict",
            ("de", "en"),
            "headwords in en, not in de: 'house' is translated by 'Haus'",
        ),
        (
            {"eng-deu.tei": tei(article("house", "maison", language="fr"))},
            "freedict",
            ("en", "de"),
            "translations in fr, not in de: 'house' is translated by 'maison'",
        ),
        ({"eng-deu.tei": "<tmx/>"}, "freedict", ("en", "de"), "<tmx> instead of <TEI>"),
        (
            {"eng-deu.tei": '<!DOCTYPE TEI [<!ENTITY a "b">]><TEI></TEI>'},
            "freedict",
            ("en", "de"),
            "entity 'a': declared entities are not read",
        ),
        (
            {"eng-deu.tei": tei("<entry><form><orth>x</orth></form></entry>")},
            "freedict",
            ("en", "de"),
            "none of 1 entries",
        ),
        ({"eng-deu.tei": tei("<entry>")}, "freedict", ("en", "de"), "not XML"),
        (SWADESH, "panlex_swadesh", ("en", "ru"), "no list of ru, such as eng-000.txt"),
        (
            SWADESH | {"swadesh110/deu-000.txt": "Haus\n"},
            "panlex_swadesh",
            ("en", "de"),
            "3 concepts, but deu-000.txt has 1",
        ),
        ({"d.tsv": "en\tde\nhouse\tHaus\tn\n"}, "tsv", ("en", "de"), "3 cells instead of 2"),
        ({"d.tsv": "en\tde\nhouse\t \n"}, "tsv", ("en", "de"), "a word without its translation"),
        ({"d.tsv": "en\tfr\nhouse\tmaison\n"}, "tsv", ("en", "de"), "no column 'de'"),
        ({"en-de.txt": "house Haus\none two three\n"}, "muse", ("en", "de"), "3 cells instead of a word"),
        ({"en-de.txt": "house Haus\n"}, "muse", ("en", "fr"), "no file en-fr.txt"),
        ({"en-de.txt": "house\tHaus\xe4\n".encode("latin-1")}, "muse", ("en", "de"), "UTF-8"),
        ({"jmdict.xml.gz": gzip.compress(b"<JMdict><entry>")}, "jmdict_pivot", ("en", "de"), "read as JMdict's XML"),
        ({"jmdict.xml.gz": REAL[:-20]}, "jmdict_pivot", ("en", "de"), "read as JMdict's XML"),
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
