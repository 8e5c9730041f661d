"""A corpus whose preparing is killed or stopped at any moment goes on behind its last part, with the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from scriptorium import manifest
from scriptorium.errors import Interrupted, UserError
from scriptorium.job import Impl
from scriptorium.text import kept_rows, reading_place
from scriptorium.text.corpora import preparing as corpora
from scriptorium.text.corpora import streams
from scriptorium.text.corpora.readers import text as reader
from scriptorium.text.parallel import preparing as parallel
from scriptorium.text.parallel.spec import ParallelSpec
from scriptorium.text.reading_place import ReadingPlace
from scriptorium.text.spec import CorpusSpec, StreamSpec
from tests.raw import Raw

KILL = """
import os, runpy, signal, sys
from scriptorium.text import digest_store, kept_rows
kept_rows.CHARACTERS_PER_PART = 400
where, number = sys.argv[1], int(sys.argv[2])
owner, name = {"commit": (digest_store.DigestStore, "commit"), "write": (kept_rows, "write")}[where]
real, calls = getattr(owner, name), 0
def counted(*arguments):
    global calls
    calls += 1
    real(*arguments)
    if calls == number:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, name, counted)
sys.argv = sys.argv[3:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def raw(tmp_path, monkeypatch) -> Raw:
    monkeypatch.setattr(kept_rows, "CHARACTERS_PER_PART", 400)
    return Raw(tmp_path)


def sources(raw: Raw) -> list[Path]:
    """Two data sets of which some paragraphs are the same; about 60 documents, ten to a part."""
    words = random.Random(0)
    lines = [" ".join(words.choice(["one", "two", "three", "four"]) for _ in range(6)) for _ in range(90)]
    return [
        raw.add({"a.txt": "\n\n".join(lines[:60]), "b.txt": "\n\n".join(f"{line} five" for line in lines)}, "set0"),
        raw.add({"c.txt": "\n\n".join(f"{line} six" for line in [*lines[30:], *lines[:60]])}, "set1"),
    ]


CORPUS = {"corpus": "toy", "sources": [{"dataset": name, "reader": "text"} for name in ("set0", "set1")]}


def made(raw: Raw, job) -> tuple[bytes, list]:
    """The result, and what the ledger says of it."""
    before = len(raw.events("note")), len(raw.events("metrics"))
    (path,) = corpora.prepare(job) if isinstance(job.spec, CorpusSpec) else parallel.prepare(job)
    said = raw.events("note")[before[0] :], raw.events("metrics")[before[1] :]
    return path.read_bytes(), list(said)


def pairs(raw: Raw) -> tuple[ParallelSpec, list[Path]]:
    lines = [f"sentence {number} of the text" for number in range(150)]
    files = {"t.en": "\n".join(lines), "t.de": "\n".join(f"Satz {line}" for line in [*lines[:100], *lines[50:100]])}
    spec = {"dataset": "set0", "reader": "aligned_lines", "languages": ("en", "de")}
    return ParallelSpec.parse({"parallel": "toy", "sources": [spec]}), [raw.add(files, "set0")]


@pytest.mark.parametrize("kind", ["corpus", "parallel"])
def test_a_reading_that_dies_inside_any_part_goes_on_with_the_same_bytes(raw, monkeypatch, kind):
    spec, given = (CorpusSpec.parse(CORPUS), sources(raw)) if kind == "corpus" else pairs(raw)
    expected = made(raw, raw.job(spec, "whole", sources=given))
    for dies_at in (1, 7, 30, 61, 100):
        job = raw.job(spec, f"at-{dies_at}", sources=given)
        with monkeypatch.context() as patched:
            rows = kept_rows.KeptRows._part

            def dying(self, found, rows=rows, dies_at=dies_at):
                for row in rows(self, found):
                    dying.seen += 1
                    if dying.seen == dies_at:
                        raise KeyboardInterrupt
                    yield row

            dying.seen = 0
            patched.setattr(kept_rows.KeptRows, "_part", dying)
            with pytest.raises(KeyboardInterrupt):
                made(raw, job)
        assert made(raw, job) == expected


def test_what_is_kept_is_neither_cleaned_nor_compared_again(raw, monkeypatch):
    spec, given = CorpusSpec.parse(CORPUS), sources(raw)
    cleaned, real = [], corpora.clean
    monkeypatch.setattr(corpora, "clean", lambda text: cleaned.append(text) or real(text))
    made(raw, raw.job(spec, "whole", sources=given))
    whole = len(cleaned)
    cleaned.clear()
    job = raw.job(spec, "again", sources=given)
    asked = iter(range(100))
    with monkeypatch.context() as patched:
        patched.setattr(Impl, "stop_reason", lambda self: "asked" if next(asked) == 3 else None)
        with pytest.raises(Interrupted, match="asked; 4 parts of the text are read"):
            made(raw, job)
    made(raw, job)
    assert len(cleaned) == whole


@pytest.mark.parametrize(("where", "number"), [("commit", 1), ("commit", 3), ("write", 2), ("write", 4)])
def test_a_stage_that_gets_sigkill_ends_with_the_same_bytes_when_it_is_started_again(raw, where, number):
    first, second = map(str, sources(raw))

    def command(name: str) -> list[str]:
        folders = ["--out", str(raw.root / name), "--state", str(raw.root / f"state-{name}")]
        spec = ["--spec", json.dumps(CORPUS), "--input", f"sources={first}", second]
        return ["scriptorium.stages.prepare_corpus", *spec, *folders]

    def run(name: str, where: str, number: int) -> int:
        code = [sys.executable, "-c", KILL, where, str(number), *command(name)]
        return subprocess.run(code, env=os.environ, capture_output=True, timeout=300, check=False).returncode

    assert run("whole", "commit", 0) == 0, "it is not killed"
    assert run("again", where, number) == -signal.SIGKILL
    assert run("again", "commit", 0) == 0
    files = [manifest.read(raw.root / name)["files"] for name in ("whole", "again")]
    assert files[0] == files[1]
    assert not list((raw.root / "state-again").rglob("*.parquet")), "parts go with the job"


def test_a_store_that_the_machine_left_damaged_is_made_anew(raw):
    spec, given = CorpusSpec.parse(CORPUS), sources(raw)
    expected = made(raw, raw.job(spec, "whole", sources=given))
    job = raw.job(spec, "again", sources=given)
    made(raw, job)
    store = job.state / "read/seen.sqlite"
    store.write_bytes(b"no database" * 400)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(store).execute("SELECT * FROM progress")
    assert made(raw, job) == expected


def test_what_is_kept_survives_a_full_disk(raw, monkeypatch):
    job = raw.job(CorpusSpec.parse(CORPUS), "again", sources=sources(raw))
    expected = made(raw, job)

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(corpora.Seen, "__init__", full)
        with pytest.raises(UserError, match="disk"):
            made(raw, job)
    assert len(list((job.state / "read").glob("*.parquet"))) > 4
    (job.out / "documents.parquet").unlink()
    assert made(raw, job) == expected


def test_a_store_that_is_damaged_inside_is_told_with_what_to_delete(raw, monkeypatch):
    def damaged(*_):
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(corpora.Seen, "new_paragraphs", damaged)
    with pytest.raises(UserError, match=r"what was kept of the reading is damaged: .* malformed") as caught:
        made(raw, raw.job(CorpusSpec.parse(CORPUS), "again", sources=sources(raw)))
    assert "delete this folder" in str(caught.value) and "state-again/read" in str(caught.value)


def test_documents_that_were_taken_are_skipped_in_every_reader(raw, monkeypatch):
    """The text reader stands for all: skipping is done behind it."""
    given, read, real = sources(raw), [], reader.read
    monkeypatch.setattr(reader, "read", lambda *arguments: (read.append(1) or each for each in real(*arguments)))
    job = raw.job(CorpusSpec.parse(CORPUS), "again", sources=given)
    place = ReadingPlace({**reading_place.NOTHING, "taken": 10})
    (first, *_) = corpora._Reader(job).documents(job.spec.sources[0], place)
    assert first[0].startswith("a-") and len(read) > 10


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_stream_goes_on_in_the_file_in_which_it_stood(raw, monkeypatch, kind):
    """Through the library's streaming reader, on local files: no row of a file before that one is read again."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # which reading a stream lifts: put back at the end
    places = []
    for number in range(4):
        table = pd.DataFrame({"text": [f"Document {number} {row}." if row % 5 else "" for row in range(40)]})
        places.append(raw.root / f"part{number}.{kind}")
        if kind == "parquet":
            table.to_parquet(places[-1], row_group_size=7)
        else:
            table.to_json(places[-1], orient="records", lines=True)
    monkeypatch.setattr(streams, "addresses", lambda source: list(map(str, places)))
    source = {"dataset": "far", "reader": kind, "stream": True}
    place = StreamSpec(location="datasets/owner/name", revision="a" * 40)
    spec = CorpusSpec(corpus="toy", sources=[source], streams={"far": place})
    expected = made(raw, raw.job(spec, "whole"))
    job = raw.job(spec, "again")
    asked = iter(range(100))
    with monkeypatch.context() as patched:
        patched.setattr(Impl, "stop_reason", lambda self: "asked" if next(asked) == 3 else None)
        with pytest.raises(Interrupted, match="asked; 4 parts of the text are read"):
            made(raw, job)
    places[1].write_bytes(b"this file is read no more")
    assert made(raw, job) == expected
