"""T5's corruption of a text: spans are taken out, a sentinel stands for each (docs/papers/objectives.md section 3).

Kept: max(1, round(rate x tokens)) tokens are hidden, in round(hidden / span) spans; hidden and kept tokens are each
split into as many random parts, which alternate, kept ones first. Source: the text with each span replaced by its
sentinel. Target: each sentinel with its span, then one more sentinel. Both end with [SEP]. Ours: one token at least
stays, and a text of one token is whole, so its target is a sentinel alone; there are no more spans than kept tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.errors import UserError

if TYPE_CHECKING:
    from scriptorium.objectives.corruption.spec import SpanCorruptionSpec


class SpanCorruption:
    """corrupt(text, generator) -> (source, target), from a text, int [n] without [CLS] and [SEP] around it.

    sentinels: their numbers, from the first on. Raises UserError: a text has more spans than there are sentinels.
    """

    def __init__(self, spec: SpanCorruptionSpec, sentinels: list[int], sep: int):
        self.spec, self.sentinels, self.sep = spec, np.array(sentinels), sep

    def __call__(self, text: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        hidden = self.hidden(len(text), generator)
        begin = hidden.copy()
        begin[1:] &= ~hidden[:-1]
        begins = begin.nonzero()[0]
        spans, count = len(begins), int(hidden.sum())
        self.check(spans, len(text))
        source = np.empty(len(text) - count + spans + 1, dtype=np.int64)
        marked = text.astype(np.int64)
        marked[begins] = self.sentinels[:spans]
        source[:-1], source[-1] = marked[~hidden | begin], self.sep
        target = np.empty(count + spans + 2, dtype=np.int64)
        of_text = np.ones(count + spans + 2, dtype=bool)
        places = np.append(hidden.cumsum()[begins] - 1, count) + np.arange(spans + 1)  # of sentinels, one behind all
        of_text[places] = of_text[-1] = False
        target[places], target[-1] = self.sentinels[: spans + 1], self.sep
        target[of_text] = text[hidden]
        return source, target

    def hidden(self, length: int, generator: np.random.Generator) -> np.ndarray:
        """Which tokens are hidden, bool [length]."""
        if length < 2:
            return np.zeros(length, dtype=bool)
        if self.spec.choice == "tokens":
            hidden = generator.random(length) < self.spec.rate
            one = int(generator.integers(length))
            if not hidden.any() or hidden.all():
                hidden[one] ^= True
            return hidden
        count, spans = self.counts(length)
        kept, taken = (parts(total, spans, generator) for total in (length - count, count))
        lengths = np.empty(2 * spans, dtype=np.int64)
        lengths[::2], lengths[1::2] = kept, taken
        return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)

    def counts(self, length: int) -> tuple[int, int]:
        """(hidden tokens, spans) of a text of two tokens or more."""
        count = min(max(round(self.spec.rate * length), 1), length - 1)
        return count, min(max(round(count / self.spec.span), 1), length - count)

    def check(self, spans: int, length: int) -> None:
        """Raises UserError where so many spans, of a text of so many tokens, need more sentinels than there are."""
        if spans + 1 > len(self.sentinels):
            raise UserError(
                f"{spans} spans of a text of {length} tokens need {spans + 1} sentinels, the vocabulary has "
                f"{len(self.sentinels)}",
                where="objective.corruption",
                remedy=f"learn a vocabulary with sentinels: {spans + 1} or more (vocabularies in config.yaml), lower "
                "corruption.rate or block_length, or raise corruption.span",
            )


def parts(total: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """`total` things in `count` parts, none empty, int [count]; every way is as likely."""
    edges = np.empty(count + 1, dtype=np.int64)
    edges[0], edges[-1] = 0, total
    edges[1:-1] = np.sort(generator.permutation(total - 1)[: count - 1]) + 1
    return edges[1:] - edges[:-1]
