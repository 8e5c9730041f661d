"""Metrics of tagging tasks (chunking, entities): the CoNLL scorer's, by chunks, through seqeval.

A tag without a prefix (NOUN) is a type as a whole. Present versions of seqeval take its first letter for a prefix,
which makes one type of CCONJ and SCONJ; those that XTREME's published scores are from did not. In both, an S at the
beginning (SCONJ, SYM) makes a chunk of every single word.

All of them are functions of totals over sentences, so that variants can be compared by `statistics.compare`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scriptorium.evaluation.classification import ratio

TOTALS = ("hits", "predicted", "true", "right", "words")  # chunks, chunks, chunks, words, words


def measures(labels: Sequence[np.ndarray], predictions: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, float]:
    """f1, precision and recall of chunks (a chunk counts if its words and type are right) and accuracy of words.

    labels, predictions: per sentence [words], numbers of tags; names: the tags, IOB2. A ratio with the denominator 0
    is 0.
    """
    return {name: float(value) for name, value in from_totals(totals(labels, predictions, names).sum(axis=0)).items()}


def totals(labels: Sequence[np.ndarray], predictions: Sequence[np.ndarray], names: Sequence[str]) -> np.ndarray:
    """[sentences, 5], the counts of TOTALS. Sentences are scored apart, so no chunk reaches over two.

    Parts of speech are no IOB2: there, as XTREME has it, neighbouring words with the same tag are one chunk.
    """
    from seqeval.metrics.sequence_labeling import get_entities

    names = [name if name == "O" or "-" in name else f"{'S' if name[0] == 'S' else 'I'}-{name}" for name in names]
    rows = np.zeros((len(labels), len(TOTALS)))
    for row, true, predicted in zip(rows, labels, predictions, strict=True):
        true, predicted = np.asarray(true, np.int64), np.asarray(predicted, np.int64)
        chunks, found = (set(get_entities([names[tag] for tag in tags])) for tags in (true, predicted))
        row[:] = len(chunks & found), len(found), len(chunks), np.sum(true == predicted), len(true)
    return rows


def from_totals(counts: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of totals [..., 5], each [...]."""
    hits, predicted, true, right, words = np.moveaxis(np.asarray(counts, np.float64), -1, 0)
    return {
        "f1": ratio(2 * hits, predicted + true),
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, true),
        "accuracy": ratio(right, words),
    }
