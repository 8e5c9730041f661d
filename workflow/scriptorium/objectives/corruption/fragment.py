"""MASS's fragment of a text: hidden from the encoder, written by the decoder (docs/papers/objectives.md section 13).

Kept: of the text with the symbols around it, round(rate x tokens) in a row are hidden, never the first symbol; shares
of the fragments stand at the beginning and at the end, the others anywhere. Each hidden token is replaced by the mask,
by a random token, or by itself. The decoder reads of each predicted token the one before it, at the place that it has
in the text, and nothing else of the text. Ours: random tokens are ordinary ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scriptorium.objectives.masking import corrupt

if TYPE_CHECKING:
    from scriptorium.objectives.corruption.spec import FragmentSpec


class Hidden(NamedTuple):
    """A text with a hidden fragment: source [n + 2]; what the decoder reads, where that stands, and writes [m]."""

    source: np.ndarray
    read: np.ndarray
    places: np.ndarray
    written: np.ndarray


class Fragment:
    """fragment(text, generator): a text, int [n] without [CLS] and [SEP] around it, with a hidden fragment."""

    def __init__(self, spec: FragmentSpec, tokenizer: Any):
        self.spec, self.mask = spec, tokenizer.mask_token_id
        self.begin, self.end = np.array([tokenizer.cls_token_id]), np.array([tokenizer.sep_token_id])
        special = np.zeros(len(tokenizer), dtype=bool)
        special[tokenizer.all_special_ids] = True
        self.ordinary = np.flatnonzero(~special)

    def __call__(self, text: np.ndarray, generator: np.random.Generator) -> Hidden:
        whole = np.concatenate([self.begin, text, self.end])
        start, end = self.bounds(len(whole), generator)
        source, written = whole.copy(), whole[start:end]
        source[start:end] = corrupt(
            written,
            mask_id=self.mask,
            ordinary=self.ordinary,
            mask=self.spec.mask,
            random=self.spec.random,
            generator=generator,
        )
        return Hidden(source, whole[start - 1 : end - 1], np.arange(start - 1, end - 1), written)

    def bounds(self, tokens: int, generator: np.random.Generator) -> tuple[int, int]:
        """Where the fragment of so many tokens, the symbols around them counted, begins and ends."""
        length = min(max(round(self.spec.rate * tokens), 1), tokens - 1)
        free = tokens - 1 - length
        draw, anywhere = generator.random(), int(generator.integers(free + 1))
        if draw < self.spec.first:
            anywhere = 0
        elif draw < self.spec.first + self.spec.last:
            anywhere = free
        return 1 + anywhere, 1 + anywhere + length
