"""Proves that every kind of text file becomes the same documents, in order, and that repetitions are found on disk."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scriptorium import named
from scriptorium.text import kept_rows
from scriptorium.text.corpora import preparing, streams
from scriptorium.text.corpora.readers.spec import READERS
from scriptorium.text.corpora.seen import Seen
from scriptorium.text.spec import CorpusSpec, StreamSpec
from tests.raw import Raw

WIKITEXT = """
 = First article =

 A lobster costs 4 @.@ 5 dollars .
 = = Section = =
 It is <unk> .

 = Second = article =
 = = = Deep = = =
 End .
"""


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def parquet(texts: list, column: str = "text") -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({column: texts}), sink)
    return sink.getvalue().to_pybytes()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["One two.", "Three."]),
        ({"join_lines": False}, ["One\ntwo.", "Three."]),
        ({"documents": "line"}, ["One", "two.", "Three."]),
    ],
)
def test_what_a_document_is_can_be_chosen(raw, options, expected):
    made = raw.corpus(("text", {"a.txt": "One\ntwo.\n\n\nThree.\n"}, options))
    assert made["text"].tolist() == expected


def test_a_file_can_be_a_document(raw):
    made = raw.corpus(("text", {"a.txt": "One\ntwo.\n\nThree.", "b/c.txt": "Four."}, {"documents": "file"}))
    assert made["text"].tolist() == ["One two.\nThree.", "Four."]
    assert made["id"].tolist() == ["set0/a", "set0/b/c"]


def test_compressed_files_are_read_like_plain_ones(raw):
    content = "\ufeffOne.\n\nTwo \u00e9.".encode()
    plain = raw.corpus(("text", {"a.txt": content}))
    for ending, packed in ((".gz", gzip.compress(content)), (".bz2", bz2.compress(content)), (".zst", zstd(content))):
        assert raw.corpus(("text", {f"a.txt{ending}": packed})).equals(plain)
    members = gzip.compress(content[:8]) + gzip.compress(content[8:])  # as written by several processes
    assert raw.corpus(("text", {"a.txt.gz": members})).equals(plain)


def test_json_lines_and_parquet_give_the_same_documents(raw):
    texts = ["One.\nTwo.", "", None, "A line separator \u2028 in the text.", "Three."]
    lines = "".join(json.dumps({"body": text, "n": 1}, ensure_ascii=False) + "\n" for text in texts)
    first = raw.corpus(("jsonl", {"a.jsonl": lines}, {"text": "body"}))
    second = raw.corpus(("parquet", {"a.parquet": parquet(texts, "body")}, {"text": "body"}))
    assert first.equals(second)
    assert first["text"].tolist() == ["One.\nTwo.", "A line separator\nin the text.", "Three."]
    assert first["id"].tolist() == ["set0/a-0000000", "set0/a-0000003", "set0/a-0000004"]


def test_an_article_of_wikitext_begins_at_its_title(raw):
    made = raw.corpus(("wikitext", {"wiki.train.tokens": WIKITEXT}))
    assert made["text"].tolist() == [
        "First article\nA lobster costs 4 @.@ 5 dollars .\nSection\nIt is <unk> .",
        "Second = article\nDeep\nEnd .",
    ]


@pytest.mark.parametrize("reader", [name for name, options in READERS.items() if options.can_stream])
def test_a_stream_gives_what_the_files_give(raw, reader, monkeypatch, tmp_path):
    """Through the library's streaming reader, on local files and without network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # which reading a stream lifts: put back at the end
    parts = [[f"Document {n}.\nIts second line {n}." for n in range(first, first + 30)] for first in (0, 30)]
    files = {}
    for number, texts in enumerate(parts):
        content = parquet(texts) if reader == "parquet" else "".join(json.dumps({"text": t}) + "\n" for t in texts)
        files[f"part{number}.{reader}"] = content
    kept = raw.corpus((reader, files))
    places = [str(tmp_path / "set0" / name) for name in sorted(files)]
    monkeypatch.setattr(streams, "addresses", lambda source: places)
    source = StreamSpec(location="datasets/owner/name", revision="a" * 40)
    found = list(
        named.load("scriptorium.text.corpora.readers", reader).stream(source, READERS[reader](), streams.Bookmark())
    )
    assert ["\n".join(paragraphs) for _, paragraphs in found] == kept["text"].tolist()
    spec = CorpusSpec(
        corpus="toy", sources=[{"dataset": "far", "reader": reader, "stream": True}], streams={"far": source}
    )
    (path,) = preparing.prepare(raw.job(spec, "streamed"))
    assert pd.read_parquet(path)[["split", "text"]].equals(kept[["split", "text"]])
    assert sorted(p.name for p in path.parent.iterdir()) == ["documents.parquet"]


def test_a_stream_is_pinned_to_its_commit():
    source = StreamSpec(location="datasets/o/n", revision="b" * 40, members=("en/*.{json,jsonl}.gz",))
    assert streams.addresses(source) == [f"hf://datasets/o/n@{'b' * 40}/en/*.{kind}.gz" for kind in ("json", "jsonl")]


def test_a_document_of_one_very_long_line_is_kept_whole(raw):
    long = " ".join(f"word{n}" for n in range(300_000))
    assert raw.corpus(("text", {"a.txt": f"{long}\n\nShort."}))["text"].tolist() == [long, "Short."]


def test_row_groups_are_bounded_and_nothing_is_lost_between_them(raw, monkeypatch):
    files = {"a.txt": "\n\n".join(f"Document {n}." for n in range(100))}
    whole = raw.corpus(("text", files))
    monkeypatch.setattr(kept_rows, "CHARACTERS_PER_GROUP", 100)
    monkeypatch.setattr(kept_rows, "CHARACTERS_PER_PART", 700)
    monkeypatch.setattr(kept_rows, "ROWS_PER_READ", 7)
    assert raw.corpus(("text", files)).equals(whole)
    assert pq.ParquetFile(raw.root / "out/documents.parquet").num_row_groups > 10


def test_the_same_text_gives_the_same_bytes_and_leaves_no_scratch_file(raw):
    files = {"a.txt": "\n\n".join(f"Document {n}." for n in range(100))}
    made = []
    for _ in range(2):
        raw.corpus(("text", files))
        made.append((raw.root / "out/documents.parquet").read_bytes())
    assert made[0] == made[1]
    assert [path.name for path in (raw.root / "out").iterdir()] == ["documents.parquet"]


def test_seen_agrees_with_a_set_in_memory(tmp_path):
    known, hashes = set(), []
    with Seen(tmp_path / "seen.sqlite") as seen:
        for n in range(300):
            paragraphs = [f"p{n * 7 % 90}", "", f"p{n * 11 % 130}", f"p{n * 7 % 90}"]
            expected = [text for text in dict.fromkeys(paragraphs) if text and text not in known]
            known.update(expected)
            assert seen.new_paragraphs(paragraphs) == expected
            hashes.append(f"{n * 7919 % 1009:08d}".encode())
            seen.add_document(hashes[-1])
        assert seen.documents == 300
        for count in (1, 2, 150, 300):
            assert seen.smallest(count) == sorted(hashes)[count - 1]
    assert Path(tmp_path / "seen.sqlite").exists()
