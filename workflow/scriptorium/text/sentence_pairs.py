"""BERT's pre-training instances: pairs of text for next-sentence prediction (docs/papers/objectives.md section 1).

A block is [CLS] A [SEP] B [SEP] and padding. Sentences of a document are collected until L - 3 tokens are reached, in
one document of ten a random lower number. A is a random number of the first of them. B is the rest, or, with
probability one half and always where only one sentence was collected, text of another document; then the unused
sentences are put back and begin the next pair. What is too long loses tokens at a random end of its longer part. All
of it is repeated `copies` times with other random numbers.

Ours: the other document is one of a window of about WINDOW tokens and not of the whole corpus, which would have to
stand in memory; B starts at a random sentence of it; whether a document is a short one is drawn once for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from scriptorium.errors import UserError
from scriptorium.text.blocks import PADDED_OWNER, padded

WINDOW = 1 << 22  # tokens held in memory, from which other documents are drawn

Document = list[np.ndarray]  # its sentences, each int32 [number of pieces], none empty


@dataclass(frozen=True)
class Pair:
    """Two texts; `follows`: the second is the continuation of the first; `other`: index of its document."""

    first: np.ndarray
    second: np.ndarray
    follows: bool
    other: int


class SentencePairs:
    """Makes blocks of pairs; counts documents, blocks, tokens and the pairs that follow one another.

    Rows have two more columns: segment_ids [L], 0 up to the first [SEP] and for padding, 1 for B; is_next [1].
    """

    name = "sentence-pairs"
    by_line = True
    dropped = 0

    def __init__(
        self, cls: int, sep: int, pad: int, length: int, *, copies: int = 10, short: float = 0.1, seed: int = 0
    ):
        self.cls, self.sep, self.pad, self.length = cls, sep, pad, length
        self.copies, self.short, self.seed = copies, short, seed
        self.extra = {"segment_ids": length, "is_next": 1}
        self.documents = self.count = self.tokens = self.follow = 0
        self.several = False  # some document has more than one sentence

    def blocks(self, documents: Iterable[Document]) -> Iterator[tuple[np.ndarray, ...]]:
        """Yields (input_ids, document_ids, segment_ids, is_next). Pairs of a document are a pure function of the seed,
        the copy, the document's number and its window. Raises UserError: there is one document only.
        """
        kept = ([sentence for sentence in document if len(sentence)] for document in documents)
        for window in windows((document for document in kept if document), WINDOW):
            if len(window) == 1:
                raise UserError(
                    "one document only, and the second sentence of a pair may be of another one",
                    remedy="give the corpus more documents, or raise validation_share",
                )
            self.several |= any(len(document) > 1 for document in window)
            for copy in range(self.copies):
                for number in range(len(window)):
                    generator = np.random.default_rng([self.seed, copy, self.documents + number])
                    target = content = self.length - 3
                    if generator.random() < self.short:
                        target = int(generator.integers(2, content + 1))
                    for pair in pairs(window, number, target, content, generator):
                        yield self._row(pair, self.documents + number, self.documents + pair.other)
            self.documents += len(window)

    def _row(self, pair: Pair, owner: int, other: int) -> tuple[np.ndarray, ...]:
        ids = [self.cls, *pair.first, self.sep, *pair.second, self.sep]
        ends = (len(pair.first) + 2, len(pair.second) + 1)
        self.count += 1
        self.tokens += len(ids)
        self.follow += pair.follows
        return (
            padded(ids, self.length, self.pad),
            padded([owner] * ends[0] + [other] * ends[1], self.length, PADDED_OWNER),
            padded([0] * ends[0] + [1] * ends[1], self.length, 0),
            np.array([pair.follows], dtype=np.int32),
        )

    def check(self) -> None:
        """Raises UserError when there is no text, or when no pair could follow one another."""
        if self.count == 0:
            raise UserError("no text", remedy="give the corpus more text, or raise validation_share")
        if not self.several:
            raise UserError(
                "every document is a single sentence, so no second sentence can be the next one",
                remedy="give documents of several sentences, set layout.sentences: rules, or take objective bert",
            )


def pairs(
    documents: list[Document], number: int, target: int, content: int, generator: np.random.Generator
) -> Iterator[Pair]:
    """The pairs of documents[number], each of at most `content` tokens; sentences are collected up to `target`."""
    document = documents[number]
    place = 0
    while place < len(document):
        chunk: list[np.ndarray] = []
        while place < len(document) and sum(map(len, chunk)) < target:
            chunk.append(document[place])
            place += 1
        cut = int(generator.integers(1, len(chunk))) if len(chunk) > 1 else 1
        first, rest, other = np.concatenate(chunk[:cut]), chunk[cut:], number
        follows = bool(rest) and generator.random() >= 0.5
        if not follows:
            place -= len(rest)  # put back
            other = int(generator.integers(len(documents) - 1))
            other += other >= number
            rest = _from(documents[other], target - len(first), generator)
        yield Pair(*truncate(first, np.concatenate(rest), content, generator), follows, other)


def truncate(
    first: np.ndarray, second: np.ndarray, most: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Both without what is too much: token by token, from a random end of the longer one (the second if equal)."""
    ends = [[0, len(first)], [0, len(second)]]
    for _ in range(len(first) + len(second) - most):
        sizes = [stop - start for start, stop in ends]
        longer = ends[0] if sizes[0] > sizes[1] else ends[1]
        if generator.random() < 0.5:
            longer[0] += 1
        else:
            longer[1] -= 1
    return first[slice(*ends[0])], second[slice(*ends[1])]


def windows(documents: Iterable[Document], most: int) -> Iterator[list[Document]]:
    """The documents in groups of two or more and about `most` tokens; one document only if there is no other."""
    before: list[Document] = []
    window: list[Document] = []
    size = 0
    for document in documents:
        window.append(document)
        size += sum(map(len, document))
        if size >= most and len(window) > 1:
            if before:
                yield before
            before, window, size = window, [], 0
    if before and len(window) < 2:
        before += window
        window = []
    yield from filter(None, (before, window))


def _from(document: Document, tokens: int, generator: np.random.Generator) -> Document:
    """Sentences from a random one on, until there are so many tokens or the document ends."""
    start = int(generator.integers(len(document)))
    stop, size = start, 0
    while stop < len(document) and (size < tokens or stop == start):
        size += len(document[stop])
        stop += 1
    return document[start:stop]
