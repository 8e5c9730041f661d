"""GLM's blanks: spans of a text, one mask in place of each, and behind the text the spans themselves
(docs/papers/objectives.md section 5).

Kept: lengths are Poisson, without 0 and those above `longest`, drawn until int(rate x tokens) tokens are in spans, the
last one whole, and shuffled; at least one token stands between two spans. A row is part A, the text with its masks, and
part B, the spans in random order, each behind a symbol that begins it and predicted up to a symbol that ends it. Two
positions: the place in A, which in B is that of the span's mask; and 0 in A, 1, 2, ... inside a span. Ours: [CLS]
begins a span and [SEP] ends it, as they do the text; there is one span at least, and the last one drawn is cut short
where the text is, so a short text may be one blank.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from scriptorium.objectives.corruption.spec import BlanksSpec


class Symbols(NamedTuple):
    """Numbers of the special tokens that a row has."""

    cls: int
    mask: int
    sep: int


class Row(NamedTuple):
    """A text with blanks: ids, positions (in A) and inside (the span; 0 in A) of A and B [R]; labels of B [K], the
    last K of the row."""

    ids: np.ndarray
    positions: np.ndarray
    inside: np.ndarray
    labels: np.ndarray


class Blanks:
    """blanks(tokens, generator) -> (where each span begins, how long it is), int [k], of a text of so many tokens."""

    def __init__(self, spec: BlanksSpec):
        self.rate = spec.rate
        sizes = range(1, spec.longest + 1)
        weights = np.exp([size * math.log(spec.span) - math.lgamma(size + 1) for size in sizes])
        self.cumulative = np.cumsum(weights)
        self.cumulative /= self.cumulative[-1]  # the last is exactly 1

    def __call__(self, tokens: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        lengths = self.lengths(tokens, generator)
        free = tokens - int(lengths.sum()) - (len(lengths) - 1)
        places = generator.integers(free + 1, size=len(lengths))
        places.sort()
        return places + (lengths + 1).cumsum() - lengths - 1, lengths

    def lengths(self, tokens: int, generator: np.random.Generator) -> np.ndarray:
        """Lengths of the spans of a text of so many tokens, in random order, int [k]."""
        budget = max(1, int(self.rate * tokens))
        lengths: list[int] = []
        total = 0
        while total < budget:
            for length in self._drawn(budget // 2 + 2, generator).tolist():
                if total < budget:
                    lengths.append(length)
                    total += length
        room = tokens - (total - lengths[-1]) - (len(lengths) - 1)  # a token between two spans
        lengths[-1] = min(lengths[-1], room)
        return generator.permutation(lengths)

    def _drawn(self, count: int, generator: np.random.Generator) -> np.ndarray:
        return self.cumulative.searchsorted(generator.random(count), side="right") + 1


def row(text: np.ndarray, begins: np.ndarray, lengths: np.ndarray, order: np.ndarray, symbols: Symbols) -> Row:
    """The row of a text [n], whose spans (from left to right) stand in B in this order, a permutation of range(k).

    Put together as lists: texts are a sentence or two, and a call of numpy costs as much as a dozen of their tokens.
    """
    tokens, spans = text.tolist(), list(zip(begins.tolist(), lengths.tolist(), strict=True))
    ids, masks, done = [symbols.cls], [], 0
    for begin, length in spans:
        ids += tokens[done:begin]
        masks.append(len(ids))  # their places in A
        ids.append(symbols.mask)
        done = begin + length
    ids += [*tokens[done:], symbols.sep]
    positions, inside, labels = list(range(len(ids))), [0] * len(ids), []
    for number in order.tolist():
        begin, length = spans[number]
        span = tokens[begin : begin + length]
        ids += [symbols.cls, *span]
        labels += [*span, symbols.sep]
        positions += [masks[number]] * (length + 1)
        inside += range(1, length + 2)
    return Row(*map(np.array, (ids, positions, inside, labels)))
