"""Readers of running text for pre-training, and how they become one corpus split by document.

A reader gives documents: (id, paragraphs). `prepare` normalises them (NFC, white space), drops repeated documents
and paragraphs over all sources, and writes documents.parquet: id str, source str, split str, text str (paragraphs
joined by line ends).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from scriptorium.data.tables import choose, clean, members, read_text, settle, write_parquet
from scriptorium.data.tatoeba import LANGUAGES, read_rows
from scriptorium.errors import UserError, nearest
from scriptorium.ledger import Ledger

if TYPE_CHECKING:
    from scriptorium.stages.prepare_corpus import CorpusSpec

Document = tuple[str, list[str]]
SENTENCES_PER_DOCUMENT = 64  # of Tatoeba, whose sentences have no order (ours)


def prepare(spec: CorpusSpec, artifacts: list[Path], out: Path, ledger: Ledger) -> list[Path]:
    """Read all sources, clean, split and write. artifacts: manifests, each in a folder named like its data set.

    Raises UserError: unknown reader or option, bad file, a corpus of fewer than two documents.
    """
    where = f"config/config.yaml, corpora.{spec.corpus}"
    by_name = {path.parent.name: path for path in artifacts}
    seen_documents: set[str] = set()
    seen_paragraphs: set[str] = set()
    rows = []
    for source in spec.sources:
        if source.dataset not in by_name:
            raise UserError(f"no input for {source.dataset!r}, {nearest(source.dataset, by_name)}", where=where)
        reader = choose(source.reader, READERS, "corpus reader", where)
        read = repeated = 0
        for own, paragraphs in reader(by_name[source.dataset], source.options, ledger):
            kept = _new([clean(p) for p in paragraphs], seen_documents, seen_paragraphs)
            read, repeated = read + 1, repeated + (not kept)
            if kept:
                rows.append({"id": f"{source.dataset}/{own}", "source": source.dataset, "text": "\n".join(kept)})
        ledger.note(f"{source.dataset}: {read} documents read, {repeated} left out as repetitions or empty")
    if len(rows) < 2:
        raise UserError(
            f"only {len(rows)} documents, so none can be held out",
            where=where,
            remedy="give more text; in a text file, a blank line separates documents",
        )
    frame = pd.DataFrame(rows)
    if (twice := frame["id"].duplicated()).any():
        raise UserError(
            f"document {frame['id'][twice.idxmax()]!r} is there twice with different text",
            where=where,
            remedy="name every source once, and give files of different names",
        )
    frame["split"] = _split(frame["text"], spec.validation_share, spec.split_seed)
    for name, part in frame.groupby("split"):
        words = int(part["text"].str.split().str.len().sum())
        ledger.metrics(0, {f"documents/{name}": len(part), f"words/{name}": words})
    return [write_parquet(frame[["id", "source", "split", "text"]], out / "documents.parquet")]


def read_bbc(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """News articles, one file each (Greene and Cunningham 2006). A file that is not UTF-8 is read as Windows-1252."""
    settle(options, "config/config.yaml, corpora, options of reader bbc")
    for path in members(artifact, ".txt"):
        name = path.relative_to(artifact.parent).as_posix()
        try:
            text = read_text(path)
        except UserError:
            try:
                text = path.read_bytes().decode("cp1252")
            except UnicodeDecodeError:
                raise UserError("neither UTF-8 nor Windows-1252", where=path, remedy="fetch it again") from None
            ledger.note(f"{name} is not UTF-8: read as Windows-1252")
        yield name.removesuffix(".txt"), text.splitlines()


def read_tatoeba_sentences(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """Single sentences of one language in the source's order, 64 to a document (ours), so that a split by document
    makes sense. options: language = eng | dut | ger | fre | spa | swe | jpn."""
    where = "config/config.yaml, corpora, options of reader tatoeba_sentences"
    language = settle(options, where, language="eng")["language"]
    column = choose(language, LANGUAGES, "language", where)
    (path,) = members(artifact, "SENTENCES")
    sentences = iter(dict.fromkeys(cells[column] for cells in read_rows(path) if cells[column]))
    number = 0
    while document := list(islice(sentences, SENTENCES_PER_DOCUMENT)):
        yield f"{language}-{number:05d}", document
        number += 1


def read_plain(artifact: Path, options: Mapping[str, Any], ledger: Ledger) -> Iterator[Document]:
    """The user's own .txt files in UTF-8; a blank line ends a document, and its lines are joined.

    Raises UserError for a file that is empty or not text (file and line named).
    """
    settle(options, "config/config.yaml, corpora, options of reader text")
    for path in members(artifact, ".txt"):
        documents = [block for block in _blocks(read_text(path)) if block]
        if not documents:
            raise UserError("the file is empty", where=path, remedy="put text into it, or leave it out")
        name = path.relative_to(artifact.parent).as_posix().removesuffix(".txt")
        for number, block in enumerate(documents):
            yield f"{name}-{number:05d}", [block]


READERS: dict[str, Callable[[Path, Mapping[str, Any], Ledger], Iterator[Document]]] = {
    "bbc": read_bbc,
    "tatoeba_sentences": read_tatoeba_sentences,
    "text": read_plain,
}


def _blocks(text: str) -> Iterator[str]:
    """The blank-line separated blocks of a text, each on one line."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines.append(line)
        else:
            yield clean(" ".join(lines))
            lines = []


def _new(paragraphs: list[str], documents: set[str], known: set[str]) -> list[str]:
    """The paragraphs of a document that were not there before; none if the document was. Records them as seen."""
    paragraphs = [p for p in paragraphs if p]
    whole = "\n".join(paragraphs)
    if whole in documents:
        return []
    documents.add(whole)
    kept = [p for p in dict.fromkeys(paragraphs) if p not in known]
    known.update(kept)
    return kept


def _split(texts: pd.Series, share: float, seed: int) -> list[str]:
    """`validation` for the documents of lowest hash of (seed, text): a share of them, at least one."""
    hashes = [hashlib.sha256(f"{seed}\n{text}".encode()).hexdigest() for text in texts]
    count = min(max(1, round(share * len(hashes))), len(hashes) - 1)
    held_out = set(sorted(hashes)[:count])
    return ["validation" if digest in held_out else "train" for digest in hashes]
