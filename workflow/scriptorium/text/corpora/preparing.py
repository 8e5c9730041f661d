"""From sources to documents.parquet, as a stream: memory holds a few documents at a time, whatever the corpus has.

Text is normalised (NFC, white space); paragraphs that were there before, in any source, are left out, and documents
of which nothing is left; so are the texts of tasks that the corpus excludes (excluding.py). Held out are the documents
of lowest hash of (seed, text), a share of them and at least one; so neither their place nor other sources decide. The
share is known only at the end: documents wait in parts (../kept_rows.py, compressed like the result) and are written
again with their split. A job that was stopped or killed goes on behind its last part.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scriptorium import named
from scriptorium.errors import UserError
from scriptorium.fetching import download
from scriptorium.files.tables import clean
from scriptorium.ledger import Ledger
from scriptorium.text import kept_rows, reading_place
from scriptorium.text.corpora.documents import Document
from scriptorium.text.corpora.excluding import Excluded
from scriptorium.text.corpora.seen import Seen
from scriptorium.text.kept_rows import KeptRows, Row
from scriptorium.text.reading_place import ReadingPlace

if TYPE_CHECKING:
    from scriptorium.job import Job
    from scriptorium.text.spec import CorpusSource, CorpusSpec

LANGUAGE = "language"  # is there only if the sources of the corpus name theirs
COLUMNS = ("id", "source", "split", LANGUAGE, "text")


def prepare(job: Job) -> list[Path]:
    """Read all sources, clean, split and write documents.parquet: id, source, split and text, all str (paragraphs
    joined by line ends), and language, if the sources name theirs.

    job.spec: CorpusSpec; inputs: sources, manifests, each in a folder named like its data set; exclude, those of tasks.
    Raises UserError: bad file, a corpus of fewer than two documents, disk full. Interrupted: the job should stop.
    """
    spec, result = job.spec, job.out / "documents.parquet"
    columns = [name for name in COLUMNS if name != LANGUAGE or spec.languages]
    folder = job.state / "read"
    with writing(job.out, folder), kept_rows.opened(folder, Seen) as seen:
        kept = KeptRows(job, folder, [name for name in columns if name != "split"], seen)
        kept.keep(_collect(job, seen))
        for source, (read, repeated) in zip(spec.sources, seen.progress["counted"].values(), strict=True):
            job.ledger.note(f"{source.dataset}: {read} documents read, {repeated} left out as repetitions or empty")
        threshold = seen.smallest(_count(seen.documents, spec))
        job.out.mkdir(parents=True, exist_ok=True)
        kept_rows.write(result, columns, _divided(kept.rows(), spec.split_seed, threshold, job.ledger))
    return [result]


def _collect(job: Job, seen: Seen) -> Iterator[Row]:
    """(id, source, its language if it names one, text) of every document with something new in it, from the first that
    is not kept yet. With tasks to exclude, all is read twice, and by a job that goes on once more.
    """
    spec, progress = job.spec, seen.progress
    reader = _Reader(job)
    if progress["done"]:
        return
    excluded = Excluded(job.inputs.get("exclude", []))
    if excluded:
        for source in spec.sources:
            for _, paragraphs in reader.documents(source):
                excluded.learn(paragraphs)
        job.ledger.note(f"{excluded.documents} documents left out: they are texts of {', '.join(spec.exclude)}")
    place = ReadingPlace(progress)
    for number, source in place.left(spec.sources):
        counted = progress["counted"].setdefault(str(number), [0, 0])  # read, and of these left out
        for own, paragraphs in reader.documents(source, place):
            if excluded.has(paragraphs):
                continue
            kept = seen.new_paragraphs(excluded.without(paragraphs))
            counted[0], counted[1] = counted[0] + 1, counted[1] + (not kept)
            if not kept:
                continue
            name, text = f"{source.dataset}/{own}", "\n".join(kept)
            if not seen.new_name(name):
                raise UserError(
                    f"document {name!r} is there twice with different text",
                    where=_where(spec),
                    remedy="name every source once, and give files of different names",
                )
            seen.add_document(_order(spec.split_seed, text))
            yield name, source.dataset, *([source.language] if source.language else []), text


class _Reader:
    """Reads the sources of a corpus. Raises UserError for one without an input, before the first is read."""

    def __init__(self, job: Job):
        self.spec, self.ledger = job.spec, job.ledger
        self.inputs = reading_place.inputs_of(job, _where(job.spec))

    def documents(self, source: CorpusSource, place: ReadingPlace | None = None) -> Iterator[Document]:
        """Names and cleaned paragraphs of a source's documents, from the place on."""
        place = place or ReadingPlace(dict(reading_place.NOTHING))
        reader = named.load("scriptorium.text.corpora.readers", source.reader)
        if source.stream:
            found = place.streamed(partial(reader.stream, self.spec.streams[source.dataset], source.options))
        else:
            found = place.items(reader.read(self.inputs[source.dataset], source.options, self.ledger))
        for own, paragraphs in found:
            yield own, [clean(text) for text in paragraphs]


def _count(documents: int, spec: CorpusSpec) -> int:
    """How many documents are held out."""
    if documents < 2:
        raise UserError(
            f"only {documents} documents, so none can be held out",
            where=_where(spec),
            remedy="give more text; in a text file, a blank line separates documents",
        )
    return min(max(1, round(spec.validation_share * documents)), documents - 1)


def _divided(rows: Iterator[Row], seed: int, threshold: bytes, ledger: Ledger) -> Iterator[Row]:
    """The documents again, with their split."""
    counted: Counter[str] = Counter()
    for name, source, *language, text in rows:
        split = "validation" if _order(seed, text) <= threshold else "train"
        counted[f"documents/{split}"] += 1
        counted[f"words/{split}"] += len(text.split())
        yield name, source, split, *language, text
    ledger.metrics(0, counted)


def _order(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{text}".encode()).digest()


def _where(spec: CorpusSpec) -> str:
    return f"config/config.yaml, corpora.{spec.corpus}"


@contextlib.contextmanager
def writing(out: Path, kept: Path) -> Iterator[None]:
    """Turns a full disk into a UserError that names the directory, also where the database meets it; and a damaged
    database into one that names what is kept."""
    with download.writing(out):
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error)) from error
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"what was kept of the reading is damaged: {error}",
                where=kept,
                remedy="delete this folder, then run it again: the text is read anew",
            ) from error
