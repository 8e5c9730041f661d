"""How a stream of tokenised documents becomes blocks.

A layout gets every document as a list of runs of word pieces (int32 arrays): the whole text as one run or, where
the layout's `by_line` says so, one run per line of the document. It yields one row at a time, each a tuple of the
columns of the block file.

Packed (ours; BERT instead pads segment pairs): every document becomes its word pieces followed by [SEP]; the
documents of a split form one stream in the order of the corpus; every block is [CLS] and the next L - 1 tokens of
the stream. A document may go on in the next block. Positions are those of the block: they do not restart with a
document, so all positions are trained evenly, also where documents are single sentences. The tokens after the last
full block of a split are dropped, and counted.

Full sentences (RoBERTa's FULL-SENTENCES, MPNet's mode "complete"; docs/papers/mpnet.md section 2,
docs/papers/objectives.md section 1): every
sentence becomes its word pieces followed by [SEP]; a block is [CLS] and as many whole sentences as fit, then padding.
It may go on with the next document, after one more [SEP]. A sentence longer than a block is cut (ours).

Sentence pairs, BERT's own: instances.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from scriptorium.errors import UserError
from scriptorium.text import blocks
from scriptorium.text.blocks import PADDED_OWNER, padded

if TYPE_CHECKING:
    import transformers

    from scriptorium.text.spec import LayoutSpec

TOKENS_AT_ONCE = 1 << 16  # of the stream, made into blocks together: numpy is slow on small pieces


class Packed:
    """Cuts a stream of documents into blocks; counts what it made and what was left over."""

    name = blocks.PACKED
    by_line = False
    extra: Mapping[str, int] = {}  # columns beside input_ids and document_ids: {name: values per block}

    def __init__(self, cls: int, sep: int, length: int):
        self.cls, self.sep, self.length = cls, sep, length
        self.documents = self.count = self.dropped = 0

    def blocks(self, documents: Iterable[list[np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (input_ids, document_ids), each int32 [L]. Documents without any piece are left out."""
        body, end = self.length - 1, np.array([self.sep], dtype=np.int32)
        tokens: list[np.ndarray] = []  # of the stream, not yet in a block
        owners: list[np.ndarray] = []
        waiting = 0
        for (pieces,) in documents:
            if not len(pieces):
                continue
            tokens += [pieces, end]
            owners.append(np.full(len(pieces) + 1, self.documents, dtype=np.int32))
            self.documents += 1
            waiting += len(pieces) + 1
            if waiting >= max(TOKENS_AT_ONCE, body):
                rest = yield from self._cut(np.concatenate(tokens), np.concatenate(owners))
                tokens, owners, waiting = [rest[0]], [rest[1]], len(rest[0])
        if waiting:
            rest = yield from self._cut(np.concatenate(tokens), np.concatenate(owners))
            self.dropped = len(rest[0])

    def _cut(self, tokens: np.ndarray, owners: np.ndarray):
        """Yields all full blocks of a piece of the stream; returns (tokens, owners) of the rest."""
        body = self.length - 1
        rows = len(tokens) // body
        ids, numbers = (column[: rows * body].reshape(rows, body) for column in (tokens, owners))
        ids = np.concatenate([np.full((rows, 1), self.cls, dtype=np.int32), ids], axis=1)
        self.count += rows
        yield from zip(ids, np.concatenate([numbers[:, :1], numbers], axis=1), strict=True)
        return tokens[rows * body :], owners[rows * body :]

    @property
    def tokens(self) -> int:
        return self.count * self.length

    def check(self) -> None:
        """Raises UserError when the documents were too few for a block."""
        if self.count == 0:
            raise UserError(
                f"{self.dropped} tokens, less than one block of {self.length}",
                remedy="give the corpus more text, raise validation_share, or lower block_length in the recipe",
            )


class FullSentences:
    """Fills blocks with whole sentences; counts documents, blocks, tokens and the sentences that had to be cut."""

    name = "full-sentences"
    by_line = True
    extra: Mapping[str, int] = {}
    dropped = 0

    def __init__(self, cls: int, sep: int, pad: int, length: int):
        self.cls, self.sep, self.pad, self.length = cls, sep, pad, length
        self.documents = self.count = self.tokens = self.cut = 0

    def blocks(self, documents: Iterable[list[np.ndarray]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields (input_ids, document_ids), each int32 [L], from documents as lists of sentences."""
        body = self.length - 1
        block: list[int] = []  # without its [CLS]
        owners: list[int] = []
        for sentences in documents:
            sentences = [[*sentence.tolist(), self.sep] for sentence in sentences if len(sentence)]
            for number, sentence in enumerate(sentences):
                self.cut += len(sentence) > body
                for start in range(0, len(sentence), body):
                    part = sentence[start : start + body]
                    separator = [self.sep] if block and number == start == 0 else []  # between two documents
                    if len(block) + len(separator) + len(part) > body:
                        yield self._row(block, owners)
                        block, owners, separator = [], [], []
                    block += separator + part
                    owners += [self.documents - 1] * len(separator) + [self.documents] * len(part)
            self.documents += bool(sentences)
        if block:
            yield self._row(block, owners)

    def _row(self, block: list[int], owners: list[int]) -> tuple[np.ndarray, np.ndarray]:
        self.count += 1
        self.tokens += len(block) + 1
        return (
            padded([self.cls, *block], self.length, self.pad),
            padded([owners[0], *owners], self.length, PADDED_OWNER),
        )

    def check(self) -> None:
        """Raises UserError when there was no sentence."""
        if self.count == 0:
            raise UserError("no text", remedy="give the corpus more text, or raise validation_share")


def build(
    spec: LayoutSpec | None, tokenizer: transformers.PreTrainedTokenizerBase, length: int, *, held_out: bool = False
) -> Any:
    """The layout that a recipe asks for: Packed where it says nothing. Held-out text is taken once (ours).

    Raises UserError: a layout with padding, and a tokenizer without a padding symbol.
    """
    from scriptorium.text.sentence_pairs import SentencePairs

    cls, sep, pad = tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id
    if spec is None:
        return Packed(cls, sep, length)
    if pad is None:
        raise UserError(
            f"layout {spec.name} pads, but the tokenizer has no pad_token",
            where=tokenizer.name_or_path,
            remedy="take the tokenizer of a BERT-like backbone, or leave out layout",
        )
    if spec.name == FullSentences.name:
        return FullSentences(cls, sep, pad, length)
    return SentencePairs(cls, sep, pad, length, copies=1 if held_out else spec.copies, short=spec.short, seed=spec.seed)
