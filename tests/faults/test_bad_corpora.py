"""Proves that corpora that cannot be used are refused at once, with the file, the place in it and a remedy."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
import yaml

from scriptorium import runs
from scriptorium.config import loading
from scriptorium.errors import UserError
from scriptorium.files import lines as files
from scriptorium.text.corpora import preparing, streams
from scriptorium.text.corpora.readers import jsonl
from scriptorium.text.corpora.readers.spec import TableOptions
from scriptorium.text.spec import CorpusSource, StreamSpec
from tests.raw import Raw
from tests.unit.test_corpora import parquet

ROOT = Path(__file__).parents[2]


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


@pytest.mark.parametrize(
    ("reader", "files", "options", "parts"),
    [
        ("text", {"a.txt": ""}, {}, ["a.txt: the file is empty"]),
        ("text", {"a.txt.gz": gzip.compress(b"")}, {}, ["a.txt.gz: the file is empty"]),
        ("text", {"a.txt": b"Word.\n\nab\x00c"}, {}, ["a.txt, line 3: holds a zero byte", "byte 9 of the text"]),
        ("text", {"a.txt": b"Word.\n\nna\xefve\n"}, {}, ["a.txt, line 3: not UTF-8: byte 0xef at column 3", "byte 9 "]),
        ("text", {"a.txt": b"\xef\xbb\xbfna\xefve\n"}, {}, ["line 1: not UTF-8: byte 0xef at column 6", "byte 5 "]),
        ("text", {"a.txt.gz": gzip.compress(b"Word. " * 9000)[:-20]}, {}, ["a.txt.gz: cannot be read", "cut off"]),
        ("text", {"a.txt.gz": b"no gzip at all\n"}, {}, ["a.txt.gz: cannot be read"]),
        ("text", {"a.md": "Word."}, {}, ["no file ending in .txt", "it has a.md"]),
        (
            "text",
            {"a.txt": "Word."},
            {"documents": "page"},
            ["unknown value 'page', valid names: blank, file, line"],
        ),
        (
            "text",
            {"a.txt": "Word."},
            {"docs": "line"},
            ["options.docs', did you mean 'documents'"],
        ),
        ("text", {"a.txt": "One.\n\nOne."}, {}, ["only 1 documents, so none can be held out"]),
        ("wikitext", {"a.tokens": " \n"}, {}, ["a.tokens: the file is empty"]),
        ("wikipedia", {"a.xml": ""}, {}, ["a.xml: the file is empty"]),
        ("wikipedia", {"a.xml.bz2": b"no bz2 at all\n"}, {}, ["a.xml.bz2: cannot be read"]),
        ("wikipedia", {"a.xml": b"<mediawiki>\n<page>na\xefve\n"}, {}, ["a.xml, line 2: not UTF-8"]),
        ("wikipedia", {"a.xml": "<mediawiki>\n<page>\n"}, {}, ["a.xml, line 2: cannot be read as XML", "cut off"]),
        ("wikipedia", {"a.xml": "<mediawiki>\n<page></mediawiki>\n"}, {}, ["a.xml, line 2: cannot be read as XML"]),
        ("wikipedia", {"a.xml": "<mediawiki>\n</mediawiki>\n"}, {}, ["a.xml: holds no <page>"]),
        (
            "wikipedia",
            {"a.xml": '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>\n<x>&b;</x>\n'},
            {},
            ["a.xml, line 2: declares a document type"],
        ),
        ("bible", {"a.csv": ""}, {}, ["a.csv: the file is empty"]),
        ("bible", {"a.csv": "h,h,h,h,h\n"}, {}, ["a.csv: the file is empty"]),
        (
            "bible",
            {"a.csv.gz": gzip.compress(b"h,h,h,h,h\n" + b"1,1,1,1,Word\n" * 999)[:-20]},
            {},
            ["cannot be read", "cut off"],
        ),
        (
            "bible",
            {"a.csv": "h,h,h,h,h\n1,1,1,1,Word\n1,1,1,Word\n"},
            {},
            ["a.csv, row 3: expected four whole numbers"],
        ),
        ("bible", {"a.csv": "h,h,h,h,h\n1,1,one,1,Word\n"}, {}, ["a.csv, row 2: expected four whole numbers"]),
        ("bible", {"a.csv": 'h,h,h,h,h\n1,1,1,1,"Word\n'}, {}, ["a.csv, row 2: not a regular table"]),
        ("bible", {"a.csv": b"h,h,h,h,h\n1,1,1,1,na\xefve\n"}, {}, ["a.csv, line 2: not UTF-8"]),
        ("jsonl", {"a.jsonl": '{"text": "A"}\n{"text": '}, {}, ["a.jsonl, line 2: not JSON"]),
        ("jsonl", {"a.jsonl": '{"txt": "A"}\n'}, {}, ["a.jsonl, line 1: 'text' is missing, did you mean 'txt'"]),
        ("jsonl", {"a.jsonl": '{"text": 3}\n'}, {}, ["line 1: 'text' is int, not text"]),
        ("jsonl", {"a.jsonl": '["A"]\n'}, {}, ["line 1: list instead of an object"]),
        ("jsonl", {"a.jsonl": "\n\n"}, {}, ["a.jsonl: the file has no rows"]),
        ("parquet", {"a.parquet": b"no parquet"}, {}, ["a.parquet: cannot be read as parquet"]),
        ("parquet", {"a.parquet": parquet(["A"], "txt")}, {}, ["column 'text' is missing, did you mean 'txt'"]),
        ("parquet", {"a.parquet": parquet([1, 2])}, {}, ["row 1: 'text' is int, not text"]),
    ],
)
def test_a_faulty_file_is_named(raw, reader, files, options, parts):
    with pytest.raises(UserError) as caught:
        raw.corpus((reader, files, options))
    for part in parts:
        assert part in str(caught.value)
    if not options:
        assert "remedy:" in str(caught.value)
    left = raw.root / "out"
    assert not left.exists() or not [path for path in left.iterdir() if path.name.startswith(".")]


def test_the_last_of_many_files_is_looked_at_before_the_first_is_read(raw, monkeypatch):
    read = []
    monkeypatch.setattr(files, "lines", lambda path: read.append(path) or iter([]))
    with pytest.raises(UserError, match=r"z\.txt, line 1: holds a zero byte"):
        raw.corpus(("text", {"a.txt": "Fine.", "b.txt": "Fine too.", "z.txt": b"\x7fELF\x00"}))
    assert read == []


def test_a_line_without_end_is_refused_before_it_fills_the_memory(raw, monkeypatch):
    monkeypatch.setattr(files, "LONGEST_LINE", 1000)
    with pytest.raises(UserError, match=r"a\.txt, line 2: a line of more than"):
        raw.corpus(("text", {"a.txt": "Short.\n" + "x" * 2000}))


def test_documents_of_one_name_are_refused(raw):
    with pytest.raises(UserError, match="document 'set0/a-00000' is there twice"):
        raw.corpus(("text", {"a.txt": "One.", "a.txt.gz": gzip.compress(b"Two.")}))


def test_a_full_disk_is_named_and_leaves_nothing_beside_results(raw, monkeypatch):
    import sqlite3

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(preparing.Seen, "new_paragraphs", full)
    with pytest.raises(UserError, match="disk"):
        raw.corpus(("text", {"a.txt": "One.\n\nTwo."}))
    assert not (raw.root / "out").exists()


def test_a_stream_that_breaks_off_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # which reading a stream lifts: put back at the end
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "A"}) + "\n{broken")
    monkeypatch.setattr(streams, "addresses", lambda source: [str(path)])
    source = StreamSpec(location="datasets/owner/name", revision="a" * 40)
    with pytest.raises(UserError, match=r"datasets/owner/name: the stream broke off after [01] rows"):
        list(jsonl.stream(source, TableOptions(), streams.Bookmark()))


def test_a_wrong_reader_or_option_is_refused_while_the_configuration_is_read(values):
    def load(**source) -> None:
        loading.load(values | {"corpora": {"english": {"sources": [{"dataset": "bbc", **source}]}}}, ROOT)

    where = r"corpora\.english\.sources\.0"
    with pytest.raises(UserError, match=rf"{where}\.reader: unknown value 'txet', did you mean 'text'"):
        load(reader="txet", options={"documents": "line"})
    with pytest.raises(UserError, match=rf"unknown key '{where}\.options\.documnets', did you mean 'documents'"):
        load(reader="text", options={"documnets": "line"})
    with pytest.raises(UserError, match=rf"{where}\.options\.documents: unknown value 'lines', did you mean 'line'"):
        load(reader="text", options={"documents": "lines"})
    with pytest.raises(UserError, match=rf"unknown key '{where}\.options\.documents', valid names: \(none\)"):
        load(reader="bbc", options={"documents": "line"})


def test_only_tables_can_be_streamed():
    with pytest.raises(UserError, match="stream: true belongs to the readers jsonl and parquet, not to text"):
        CorpusSource.parse({"dataset": "far", "reader": "text", "stream": True})


def test_a_stream_needs_a_pinned_commit():
    with pytest.raises(UserError, match="revision"):
        StreamSpec.parse({"location": "datasets/owner/name", "revision": "main"})


# --- configuration --------------------------------------------------------------------------------------------------


@pytest.fixture
def values() -> dict:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def test_a_vocabulary_is_checked_with_the_configuration(values):
    with pytest.raises(UserError, match=r"vocabularies\.own\.corpus: unknown corpus 'englsh', did you mean 'english'"):
        loading.load(values | {"vocabularies": {"own": {"corpus": "englsh"}}}, ROOT)
    with pytest.raises(UserError, match="'minilm' names both a backbone and a vocabulary"):
        loading.load(values | {"vocabularies": {"minilm": {"corpus": "english"}}}, ROOT)
    with pytest.raises(UserError, match="symbols: mpnet belongs to kind: wordpiece"):
        loading.load(values | {"vocabularies": {"own": {"corpus": "english", "kind": "bpe", "symbols": "mpnet"}}}, ROOT)


def test_a_recipe_may_name_a_vocabulary_or_a_backbone_and_nothing_else(values, tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    recipe = tmp_path / "config/recipes/pretrain-bert.yaml"
    recipe.write_text(recipe.read_text().replace("tokenizer: pieces-8k", "tokenizer: own"))
    with pytest.raises(UserError, match="tokenizer: unknown backbone or vocabulary 'own'"):
        loading.load(values, tmp_path)
    pretraining = values["pretraining"] | {"studies": {}}  # of which one needs a vocabulary of its own
    changed = values | {"vocabularies": {"own": {"corpus": "english"}}, "pretraining": pretraining}
    changed |= {"translation_studies": {}}  # likewise
    loaded = runs.Runs(loading.load(changed, tmp_path))
    (packed,) = {name for name in loaded.packings if name.startswith("english-own-")} & {"english-own-64"}
    assert loaded.pack_tokenizer(packed) == "results/data/vocabularies/own/manifest.json"
    assert loaded.vocabulary_corpora("own") == ["results/data/corpora/english/manifest.json"]
    assert loaded.train_vocabulary("own").size == 30_000


def test_a_streamed_corpus_is_not_fetched_and_its_commit_is_part_of_the_run(values, tmp_path):
    shutil.copytree(ROOT / "config", tmp_path / "config")
    with (tmp_path / "config/datasets.tsv").open("a", encoding="utf-8") as table:
        table.write(f"far\ttext\thub\tdatasets/o/n\t{'c' * 40}\t\ten/*.parquet\t\t\t\n")
        table.write("loose\ttext\thub\tdatasets/o/n\tmain\t\t\t\t\t\n")

    def expanded(dataset: str) -> runs.Runs:
        source = {"dataset": dataset, "reader": "parquet", "stream": True}
        return runs.Runs(
            loading.load(values | {"corpora": {**values["corpora"], "web": {"sources": [source]}}}, tmp_path)
        )

    assert expanded("far").corpus_sources("web") == []
    streams = expanded("far").prepare_corpus("web").streams
    assert streams == {"far": StreamSpec(location="datasets/o/n", revision="c" * 40, members=("en/*.parquet",))}
    assert expanded("far").prepare_corpus("english").streams == {}
    with pytest.raises(UserError, match=r"config/datasets\.tsv, data set 'loose': revision"):
        expanded("loose").prepare_corpus("web")
    with pytest.raises(UserError, match="bbc is of source package, and only data sets of source hub can be streamed"):
        expanded("bbc")
