"""From sources to documents.parquet, as a stream: memory holds a few documents at a time, whatever the corpus has.

Text is normalised (NFC, white space); paragraphs that were there before, in any source, are left out, and documents
of which nothing is left; so are the texts of tasks that the corpus excludes (excluding.py). Held out are the documents
of lowest hash of (seed, text), a share of them and at least one; so neither their place nor other sources decide. The
share is known only at the end: documents wait in a scratch file (compressed like the result) and are written again
with their split.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from scriptorium import named
from scriptorium.errors import UserError, nearest
from scriptorium.fetching import download
from scriptorium.files.tables import clean
from scriptorium.ledger import Ledger
from scriptorium.text.corpora.excluding import Excluded
from scriptorium.text.corpora.seen import Seen

if TYPE_CHECKING:
    from scriptorium.text.spec import CorpusSource, CorpusSpec

LANGUAGE = "language"  # is there only if the sources of the corpus name theirs
COLUMNS = ("id", "source", "split", LANGUAGE, "text")
ROWS_PER_GROUP, CHARACTERS_PER_GROUP = 1 << 16, 1 << 22  # of the parquet file: what stands in memory at once
ROWS_PER_READ = 64


def prepare(
    spec: CorpusSpec, artifacts: list[Path], out: Path, ledger: Ledger, tasks: Sequence[Path] = ()
) -> list[Path]:
    """Read all sources, clean, split and write documents.parquet: id, source, split and text, all str (paragraphs
    joined by line ends), and language, if the sources name theirs. artifacts: manifests, each in a folder named like
    its data set; tasks: of those to exclude.

    Raises UserError: bad file, a corpus of fewer than two documents, disk full.
    """
    scratch, result = out / ".scratch", out / "documents.parquet"
    columns = [name for name in COLUMNS if name != LANGUAGE or spec.languages]
    shutil.rmtree(scratch, ignore_errors=True)  # of a killed attempt
    with writing(out):
        scratch.mkdir(parents=True)
        try:
            with Seen(scratch / "seen.sqlite") as seen:
                read = _collect(spec, artifacts, seen, Excluded(tasks), ledger)
                write(scratch / "documents.parquet", [name for name in columns if name != "split"], read)
                held_out = _count(seen.documents, spec)
                threshold = seen.smallest(held_out)
            rows = _divided(scratch / "documents.parquet", spec.split_seed, threshold, ledger)
            write(result, columns, rows)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return [result]


def _collect(
    spec: CorpusSpec, artifacts: list[Path], seen: Seen, excluded: Excluded, ledger: Ledger
) -> Iterator[tuple[str, ...]]:
    """(id, source, its language if it names one, text) of every document with something new in it. With tasks to
    exclude, all is read twice.
    """
    where = _where(spec)
    by_name = {path.parent.name: path for path in artifacts}
    for source in spec.sources:  # all names, before the first source is read
        if not source.stream and source.dataset not in by_name:
            raise UserError(f"no input for {source.dataset!r}, {nearest(source.dataset, by_name)}", where=where)

    def documents(source: CorpusSource) -> Iterator[tuple[str, list[str]]]:
        reader = named.load("scriptorium.text.corpora.readers", source.reader)
        if source.stream:
            found = reader.stream(spec.streams[source.dataset], source.options)
        else:
            found = reader.read(by_name[source.dataset], source.options, ledger)
        return ((own, [clean(text) for text in paragraphs]) for own, paragraphs in found)

    if excluded:
        for source in spec.sources:
            for _, paragraphs in documents(source):
                excluded.learn(paragraphs)
        ledger.note(f"{excluded.documents} documents left out: they are texts of {', '.join(spec.exclude)}")
    for source in spec.sources:
        read = repeated = 0
        for own, paragraphs in documents(source):
            if excluded.has(paragraphs):
                continue
            kept = seen.new_paragraphs(excluded.without(paragraphs))
            read, repeated = read + 1, repeated + (not kept)
            if not kept:
                continue
            name, text = f"{source.dataset}/{own}", "\n".join(kept)
            if not seen.new_name(name):
                raise UserError(
                    f"document {name!r} is there twice with different text",
                    where=where,
                    remedy="name every source once, and give files of different names",
                )
            seen.add_document(_order(spec.split_seed, text))
            yield name, source.dataset, *([source.language] if source.language else []), text
        ledger.note(f"{source.dataset}: {read} documents read, {repeated} left out as repetitions or empty")


def _count(documents: int, spec: CorpusSpec) -> int:
    """How many documents are held out."""
    if documents < 2:
        raise UserError(
            f"only {documents} documents, so none can be held out",
            where=_where(spec),
            remedy="give more text; in a text file, a blank line separates documents",
        )
    return min(max(1, round(spec.validation_share * documents)), documents - 1)


def _divided(path: Path, seed: int, threshold: bytes, ledger: Ledger) -> Iterator[tuple[str, ...]]:
    """The documents again, with their split."""
    counted: Counter[str] = Counter()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_PER_READ, use_threads=False):
            rows = zip(*(batch[column].to_pylist() for column in batch.schema.names), strict=True)
            for name, source, *language, text in rows:
                split = "validation" if _order(seed, text) <= threshold else "train"
                counted[f"documents/{split}"] += 1
                counted[f"words/{split}"] += len(text.split())
                yield name, source, split, *language, text
    ledger.metrics(0, counted)


def _order(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{text}".encode()).digest()


def write(path: Path, columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> None:
    """A parquet file of text columns, in row groups of bounded size."""
    schema = pa.schema([(name, pa.large_string()) for name in columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        group: list[tuple[str, ...]] = []
        size = 0

        def flush() -> None:
            arrays = [pa.array(column, pa.large_string()) for column in zip(*group, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        for row in rows:
            group.append(row)
            size += len(row[-1])
            if len(group) == ROWS_PER_GROUP or size >= CHARACTERS_PER_GROUP:
                flush()
                group, size = [], 0
        if group:
            flush()


def _where(spec: CorpusSpec) -> str:
    return f"config/config.yaml, corpora.{spec.corpus}"


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turns a full disk into a UserError that names the directory, also where the database meets it."""
    with download.writing(out):
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error)) from error
