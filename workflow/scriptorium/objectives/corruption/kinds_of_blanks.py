"""GLM's three kinds of blanks (docs/papers/objectives.md section 5): spans, whole sentences, one long end of a text.

Kept: sentences are drawn until int(rate x tokens) tokens are in them; an end has a length that is uniform between a
share of the text and all of it. Ours: every text draws its kind by itself; each sentence is a blank of its own, also
beside another; one sentence stays at least, so a text of a single one has spans; one mask symbol stands for all kinds,
so what a blank may be is to be seen from the text alone. Where only spans are asked for nothing more is drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from scriptorium.errors import UserError
from scriptorium.objectives.corruption.blanks import Blanks
from scriptorium.objectives.corruption.noise import STOPS

if TYPE_CHECKING:
    from scriptorium.objectives.corruption.spec import BlanksSpec


class KindsOfBlanks:
    """blanks(text, generator) -> (where each blank begins, how long it is), int [k], of a text without its symbols.

    Raises UserError: sentences are to be blanks, but the vocabulary has no full stop.
    """

    def __init__(self, spec: BlanksSpec, tokenizer: Any):
        self.spec, self.spans = spec, Blanks(spec)
        vocabulary = tokenizer.get_vocab()
        self.stops = np.zeros(len(tokenizer), dtype=bool)
        self.stops[[vocabulary[stop] for stop in STOPS if stop in vocabulary]] = True
        if spec.sentences and not self.stops.any():
            raise UserError(
                "sentences are to be blanks, but this vocabulary has no full stop",
                where=tokenizer.name_or_path,
                remedy="take a vocabulary that has one, or set blanks.sentences: 0",
            )
        self.stops[tokenizer.sep_token_id] = True

    def __call__(self, text: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if self.spec.ends or self.spec.sentences:
            draw = generator.random()
            if draw < self.spec.ends:
                return self.end(len(text), generator)
            if draw < self.spec.ends + self.spec.sentences and len(lengths := self.sentences(text)) > 1:
                return self.some(lengths, generator)
        return self.spans(len(text), generator)

    def end(self, tokens: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One blank, up to the end of a text of so many tokens."""
        length = int(generator.integers(max(1, math.ceil(self.spec.shortest_end * tokens)), tokens + 1))
        return np.array([tokens - length]), np.array([length])

    def sentences(self, text: np.ndarray) -> np.ndarray:
        """Tokens of each sentence, int [k]; one ends behind the last of its full stops."""
        stops = self.stops[text]
        return np.diff(np.flatnonzero(stops[:-1] & ~stops[1:]) + 1, prepend=0, append=len(text))

    def some(self, lengths: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Sentences until enough tokens are in them, of two or more; from left to right."""
        order = generator.permutation(len(lengths))
        enough = np.searchsorted(np.cumsum(lengths[order]), max(1, int(self.spec.rate * lengths.sum())))
        chosen = np.sort(order[: min(int(enough) + 1, len(lengths) - 1)])
        return (np.cumsum(lengths) - lengths)[chosen], lengths[chosen]
