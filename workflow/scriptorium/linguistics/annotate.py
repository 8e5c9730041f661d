"""Runs spaCy over the distinct texts of a data set, once each, and collects the words' features in one table."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from scriptorium import manifest
from scriptorium.errors import UserError
from scriptorium.linguistics.features import FEATURES, SPANS, describe

if TYPE_CHECKING:
    from spacy.language import Language

COLUMNS = ("text_key", "word_index", "word", "start", "end", *FEATURES, *SPANS, "readability")
_nlp: Language | None = None  # of this process
BATCH = 256  # texts per spaCy batch; fixed, since batching may change the last bits of a network's output


def text_key(text: str) -> str:
    """Name of a text in every table of words: the first 16 hex digits of its sha256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sentences(words: pd.DataFrame) -> pd.DataFrame:
    """Sentences of a gaze table, in its order: corpus, document, sentence, text, text_key.

    A sentence's text is its words joined with single blanks. Raises UserError if a word holds a blank or nothing,
    since then words and text would not match.
    """
    odd = words[[word.split() != [word] for word in words["word"]]]
    if len(odd):
        row = odd.iloc[0]
        raise UserError(
            f"word {row['word']!r} is empty or holds a blank",
            where=f"gaze corpus {row['corpus']}, document {row['document']}, sentence {row['sentence']}",
            remedy="give one blank-free word per row",
        )
    grouped = words.groupby(["corpus", "document", "sentence"], sort=False)["word"]
    table = grouped.agg(" ".join).rename("text").reset_index()
    return table.assign(text_key=[text_key(text) for text in table["text"]])


def texts_of(path: Path) -> list[str]:
    """Distinct texts of a gaze corpus or a task, given its manifest, sorted by key. Raises UserError for others."""
    found: set[str] = set()
    for entry in manifest.read(path)["files"]:
        if not entry["path"].endswith(".parquet"):
            continue
        file = path.parent / entry["path"]
        columns = set(pq.read_schema(file).names)
        if {"corpus", "document", "sentence", "word"} <= columns:
            found |= set(sentences(pd.read_parquet(file))["text"])
        elif {"text", "text_b"} <= columns:
            table = pd.read_parquet(file, columns=["text", "text_b"])
            found |= set(table["text"].dropna()) | set(table["text_b"].dropna())
        else:
            raise UserError(
                "neither a gaze table (corpus, document, sentence, word) nor a task (text, text_b)", where=file
            )
    if not any(text.split() for text in found):
        raise UserError("no text to annotate", where=path, remedy="look at the data set's own log")
    return sorted(found, key=text_key)


def load(pipeline: str) -> Language:
    """The installed spaCy pipeline. Raises UserError if it is missing or lacks what the features need."""
    where = "annotation.pipeline"
    nlp = installed(pipeline, where, exclude=["lemmatizer"])
    missing = [name for name in ("parser", "ner") if name not in nlp.pipe_names]
    if missing or "noun_chunks" not in nlp.Defaults.syntax_iterators:
        raise UserError(
            f"the spaCy pipeline {pipeline!r} lacks {', '.join(missing) or 'noun chunks'}",
            where=where,
            remedy="name a pipeline with tagger, parser, entities and noun chunks",
        )
    return nlp


def installed(pipeline: str, where: str, exclude: list[str]) -> Language:
    """A spaCy pipeline without the parts of `exclude`. Raises UserError, naming `where`, if it is not installed."""
    import spacy

    try:
        return spacy.load(pipeline, exclude=exclude)
    except OSError:
        there = ", ".join(spacy.util.get_installed_models()) or "none"
        raise UserError(
            f"the spaCy pipeline {pipeline!r} is not installed (installed: {there})",
            where=where,
            remedy="install it as a package, or name an installed one",
        ) from None


def annotate(texts: Iterable[str], nlp: Language, processes: int = 1) -> pd.DataFrame:
    """One row per word of the texts (COLUMNS), sorted by text_key and word_index. Texts without words have no rows.

    Batches are the same however many processes share them, and so is the table. A process returns columns of numbers,
    not documents, which is why this keeps up with a bare `nlp.pipe(n_process=...)` that has to send all of spaCy's.
    """
    ordered = sorted({text for text in texts if text.split()}, key=text_key)
    batches = [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]
    if min(processes, len(batches)) > 1:
        # a forked process has the pipeline already; loading it again would take each of them seconds
        context = multiprocessing.get_context("fork")
        with context.Pool(min(processes, len(batches)), _begin_process, (nlp,)) as pool:
            parts = list(pool.imap(_of_batch, batches))
    else:
        _adopt(nlp)
        parts = [_of_batch(batch) for batch in batches]
    return pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in COLUMNS})


def _begin_process(nlp: Language) -> None:
    # a pool ends its processes by SIGTERM; the job's own handler, inherited by the fork, would print a traceback
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _adopt(nlp)


def _adopt(nlp: Language) -> None:
    global _nlp
    _nlp = nlp


def _of_batch(texts: list[str]) -> dict[str, np.ndarray]:
    """The columns of one batch."""
    parts = []
    for doc in _nlp.pipe(texts, batch_size=BATCH):
        columns = describe(doc)
        count = len(columns["word"])
        key = np.full(count, text_key(doc.text), dtype=object)
        parts.append({"text_key": key, "word_index": np.arange(count, dtype=np.int32), **columns})
    return {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}
