"""Proves that parallel text that cannot be used is refused with the file, the place in it and a remedy."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.text.parallel import preparing
from scriptorium.text.parallel.readers import aligned_lines
from scriptorium.text.parallel.spec import ParallelSource
from tests.raw import Raw
from tests.unit.test_parallel import parquet, tmx

ROOT = Path(__file__).parents[2]
LAUGHS = '<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def lines(english: str | bytes, german: str | bytes) -> dict:
    return {"a.en": english, "a.de": german}


@pytest.mark.parametrize(
    ("reader", "files", "settings", "parts"),
    [
        ("aligned_lines", lines("One.\nTwo.\n", "Eins.\n"), {}, ["a.en: 2 lines, but a.de has 1"]),
        ("aligned_lines", lines("One.\nTwo.", "Eins.\n\n"), {}, ["line 2: the text in de is empty", "`empty: true`"]),
        ("aligned_lines", lines("One.\n \n", "Eins.\nZwei.\n"), {}, ["line 2: the text in en is empty"]),
        ("aligned_lines", {"a.en": "One.", "b.de": "Eins."}, {}, ["a.en: there is no file a.de beside it"]),
        ("aligned_lines", {"a.en": "One.", "a.nl": "Een."}, {}, ["no file ending in .de", "it has a.en, a.nl"]),
        ("aligned_lines", lines("One.", b"Zw\xf6lf.\n"), {}, ["a.de, line 1: not UTF-8: byte 0xf6 at column 3"]),
        ("aligned_lines", lines("One.\n" * 9000, b"Eins.\n" * 8999 + b"\xf6"), {}, ["a.de, line 9000: not UTF-8"]),
        ("aligned_lines", lines("One.", "Eins.".encode("utf-16")), {}, ["a.de, line 1: "]),
        ("aligned_lines", lines("One.", ""), {}, ["a.de: the file is empty"]),
        ("aligned_lines", lines("One.\nTwo", "Eins.\nTwo"), {}, ["only 1 pairs are left, so none can be held out"]),
        ("tsv", {"a.tsv": "en\tde\nOne.\n"}, {}, ["a.tsv, row 2: 1 cells instead of 2"]),
        ("tsv", {"a.tsv": "en\tger\nOne.\tEins.\n"}, {}, ["a.tsv, row 1: no column 'de'", "options"]),
        ("tsv", {"a.tsv": "en\tde\nOne.\t\n"}, {}, ["a.tsv, row 2: the text in de is empty"]),
        (
            "tsv",
            {"a.tsv": "One.\tEins.\n"},
            {"options": {"header": False, "a": "1", "b": "3"}},
            ["row 1: no column '3', it has columns 1 to 2"],
        ),
        ("tmx", {"a.tmx": tmx([("One.", "Eins.")], LAUGHS)}, {}, ["a.tmx, line 2: entity 'a': declared entities"]),
        ("tmx", {"a.tmx": tmx([("One.", "Eins.")], OUTSIDE)}, {}, ["a.tmx, line 2: entity 'a': declared entities"]),
        (
            "tmx",
            {"a.tmx": tmx([("One.", "Eins.")], '<!DOCTYPE tmx SYSTEM "x.dtd">').replace("One.", "&one;")},
            {},
            ["a.tmx, line 2: entity 'one': declared entities are not read"],
        ),
        (
            "tmx",
            {"a.tmx": tmx([("One.", "Eins.")]).replace(' xml:lang="de"', "")},
            {},
            ["a.tmx, line 3: <tuv> without its language", "xml:lang"],
        ),
        (
            "tmx",
            {"a.tmx": tmx([("One.", "Eins.")], languages=("en", "fr"))},
            {},
            ["a.tmx: no unit in both en and de; its languages: en, fr"],
        ),
        ("tmx", {"a.tmx": tmx([("One.", "Eins.")])[:-20]}, {}, ["a.tmx, line 3: not XML: "]),
        ("tmx", {"a.tmx": tmx([("One.", "")])}, {}, ["a.tmx, line 2: the text in de is empty"]),
        ("tmx", {"a.tmx": "<html></html>"}, {}, ["a.tmx: a web page, and not the data"]),
        ("tmx", {"a.tmx": "<tbx></tbx>"}, {}, ["a.tmx, line 1: <tbx> instead of <tmx>"]),
        ("tmx", {"a.tmx": tmx([("One.", "Zwölf.")]).encode("latin-1")}, {}, ["a.tmx, line 3: not XML"]),
        ("tmx", {"a.tmx.gz": gzip.compress(tmx([("One.", "Eins.")] * 999).encode())[:-20]}, {}, ["cannot be read"]),
        ("tmx", {"a.tmx": ""}, {}, ["a.tmx: the file is empty"]),
        ("parquet", {"a.parquet": b"none"}, {}, ["a.parquet: cannot be read as parquet"]),
        ("parquet", {"a.parquet": parquet({"text": ["x"]})}, {}, ["column 'translation' is missing"]),
        (
            "parquet",
            {"a.parquet": parquet({"translation": [{"en": "One.", "nl": "Een."}]})},
            {},
            ["column 'translation' has no language 'de'"],
        ),
        (
            "parquet",
            {"a.parquet": parquet({"x": ["One."], "y": [1]})},
            {"options": {"a": "x", "b": "y"}},
            ["row 1: 'y' is int, not text"],
        ),
        (
            "tatoeba_pairs",
            {"SENTENCES": "1\tj\tOne.\t-\tEins.\t-\t-\t-\t-\n"},
            {"languages": ["en", "fi"]},
            ["no language 'fi' in this table"],
        ),
    ],
)
def test_a_faulty_file_is_named(raw, reader, files, settings, parts):
    with pytest.raises(UserError) as caught:
        raw.pairs((reader, files, settings))
    for part in parts:
        assert part in str(caught.value)
    assert "remedy:" in str(caught.value)
    left = raw.root / "out"
    assert not left.exists() or not [path for path in left.iterdir() if path.name.startswith(".")]


def test_all_files_are_counted_before_the_first_is_read(raw, monkeypatch):
    read = []
    monkeypatch.setattr(aligned_lines, "Pair", lambda *cells: read.append(cells))
    with pytest.raises(UserError, match=r"z\.en: 1 lines, but z\.de has 2"):
        raw.pairs(("aligned_lines", {"a.en": "A", "a.de": "A", "z.en": "One.", "z.de": "Eins.\nZwei.\n"}))
    assert read == []


def test_pairs_that_all_hang_together_are_refused(raw):
    files = {"a.en": "One.\nOne.\n", "a.de": "Eins.\nEines.\n"}
    with pytest.raises(UserError, match="every pair hangs together with every other"):
        raw.pairs(("aligned_lines", files), rules={"repeated_sides": False})


def test_a_full_disk_is_named_and_leaves_nothing_beside_results(raw, monkeypatch):
    import sqlite3

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(preparing.Repetitions, "fault", full)
    with pytest.raises(UserError, match="disk"):
        raw.pairs(("aligned_lines", lines("One.\nTwo.", "Eins.\nZwei.")))
    assert not (raw.root / "out").exists()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"languages": ["en", "de"], "reader": "tmxx"}, "reader: unknown value 'tmxx', did you mean 'tmx'"),
        ({"languages": ["en", "xx"]}, "unknown language 'xx'"),
        ({"languages": ["en", "German"]}, "two or three small letters"),
        ({"languages": ["en", "en"]}, "a pair needs two languages, not en twice"),
        ({"languages": ["en"]}, "languages.1"),
        ({"languages": ["en", "de"], "stream": True}, "stream: true belongs to the reader parquet, not to tmx"),
        ({"languages": ["en", "de"], "options": {"header": True}}, "unknown key 'options.header'"),
    ],
)
def test_a_wrong_language_or_option_is_refused_while_the_configuration_is_read(settings, problem):
    with pytest.raises(UserError) as caught:
        ParallelSource.parse({"dataset": "d", "reader": "tmx", **settings})
    assert problem in str(caught.value)


def test_names_in_the_configuration_are_checked():
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))

    def load(**changes) -> None:
        loading.load({**values, **changes}, ROOT)

    source = {"dataset": "tatoba", "reader": "tatoeba_pairs", "languages": ["en", "de"]}
    with pytest.raises(UserError, match=r"parallel\.p\.sources: unknown data set 'tatoba', did you mean 'tatoeba'"):
        load(parallel={**values["parallel"], "p": {"sources": [source]}})
    with pytest.raises(UserError, match="'english' names both a corpus and a corpus of pairs"):
        load(parallel={**values["parallel"], "english": {"sources": [{**source, "dataset": "tatoeba"}]}})
    with pytest.raises(UserError, match=r"vocabularies\.v\.corpus: unknown corpus 'tatoba', did you mean 'tatoeba'"):
        load(vocabularies={"v": {"corpus": ["english", "tatoba"]}})
    with pytest.raises(UserError, match="kind: kept and backbone belong together"):
        load(vocabularies={"v": {"corpus": "english", "kind": "kept"}})
    with pytest.raises(UserError, match="size: kind kept takes what the backbone's vocabulary has"):
        load(vocabularies={"v": {"corpus": "english", "kind": "kept", "backbone": "minilm", "size": 300}})
    sources = [{"dataset": "bbc", "reader": "bbc"}, {"dataset": "bbc", "reader": "bbc", "language": "en"}]
    with pytest.raises(UserError, match="bbc names no language, but others do"):
        load(corpora={**values["corpora"], "mixed": {"sources": sources}})
    with pytest.raises(UserError, match="two or three small letters"):
        load(corpora={**values["corpora"], "mixed": {"sources": [{**sources[1], "language": "ee-"}]}})
