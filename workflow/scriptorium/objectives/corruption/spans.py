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
        self.spec, self.sentinels, self.end = spec, np.array(sentinels), np.array([sep])

    def __call__(self, text: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        hidden = self.hidden(len(text), generator)
        begins = np.flatnonzero(hidden & ~np.append(False, hidden[:-1]))
        self.check(len(begins), len(text))
        own = self.sentinels[: len(begins)]
        stays = ~hidden
        stays[begins] = True
        source = text.copy()
        source[begins] = own
        places = np.searchsorted(np.flatnonzero(hidden), begins)
        target = np.insert(text[hidden], places, own)
        return (
            np.concatenate([source[stays], self.end]),
            np.concatenate([target, self.sentinels[len(begins) : len(begins) + 1], self.end]),
        )

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
        return np.repeat(np.tile([False, True], spans), np.stack([kept, taken], axis=1).ravel())

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
    cuts = np.sort(generator.permutation(total - 1)[: count - 1]) + 1
    return np.diff(cuts, prepend=0, append=total)
