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
        places = np.sort(generator.integers(free + 1, size=len(lengths)))
        return places + np.cumsum(lengths + 1) - lengths - 1, lengths

    def lengths(self, tokens: int, generator: np.random.Generator) -> np.ndarray:
        """Lengths of the spans of a text of so many tokens, in random order, int [k]."""
        budget = max(1, int(self.rate * tokens))
        drawn = self._drawn(budget // 2 + 2, generator)
        while (sums := np.cumsum(drawn))[-1] < budget:
            drawn = np.append(drawn, self._drawn(budget // 2 + 2, generator))
        last = int(np.searchsorted(sums, budget))
        lengths = drawn[: last + 1]
        room = tokens - int(sums[last] - lengths[last]) - last  # a token between two spans
        lengths[last] = min(lengths[last], room)
        return generator.permutation(lengths)

    def _drawn(self, count: int, generator: np.random.Generator) -> np.ndarray:
        return np.searchsorted(self.cumulative, generator.random(count), side="right") + 1


def row(text: np.ndarray, begins: np.ndarray, lengths: np.ndarray, order: np.ndarray, symbols: Symbols) -> Row:
    """The row of a text [n], whose spans (from left to right) stand in B in this order, a permutation of range(k)."""
    stays, source = np.ones(len(text), dtype=bool), text.copy()
    stays[np.repeat(begins, lengths) + _counted(lengths)] = False
    stays[begins], source[begins] = True, symbols.mask
    masks = np.cumsum(stays)[begins]  # their places in A, behind [CLS]
    first = np.concatenate([[symbols.cls], source[stays], [symbols.sep]])

    sizes = lengths[order] + 1
    within = _counted(sizes)
    targets = np.minimum(np.repeat(begins[order], sizes) + within, len(text) - 1)
    labels = text[targets]
    ends = np.cumsum(sizes) - 1
    labels[ends] = symbols.sep
    inputs = np.roll(labels, 1)
    inputs[ends + 1 - sizes] = symbols.cls
    return Row(
        ids=np.concatenate([first, inputs]),
        positions=np.concatenate([np.arange(len(first)), np.repeat(masks[order], sizes)]),
        inside=np.concatenate([np.zeros(len(first), dtype=np.int64), within + 1]),
        labels=labels,
    )


def _counted(sizes: np.ndarray) -> np.ndarray:
    """0, 1, ... size - 1 of each size, one after the other."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
