"""BART's five noises on one text (docs/papers/objectives.md section 2).

Kept: the unit is the word; ceil(rate x words) of them are hidden; spans of words have Poisson lengths until these are
used up, the last one cut short; a span of no words inserts a mask. Ours: one word at least stays; spans do not overlap,
and every arrangement of them is as likely; a span of no words that would make the text longer than it was is left out;
special tokens ([UNK], and a [SEP] between sentences) are neither hidden nor counted.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from scriptorium.errors import UserError
from scriptorium.text.tokenizers import word_starts

if TYPE_CHECKING:
    from scriptorium.objectives.corruption.spec import NoiseSpec

STOPS = (".", "\u0120.", "\u2581.")  # a full stop, by the names that vocabularies have for it


class Noise:
    """noise(text, generator): a text, int [n] without [CLS] and [SEP] around it, corrupted.

    Raises UserError: sentences are to be permuted, but the vocabulary has no full stop.
    """

    def __init__(self, spec: NoiseSpec, tokenizer: Any):
        self.spec, self.mask = spec, tokenizer.mask_token_id
        self.special = np.zeros(len(tokenizer), dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        self.specials = frozenset(tokenizer.all_special_ids)
        self.ordinary = np.flatnonzero(~self.special)
        self.starts = word_starts(tokenizer) if spec.whole_words else np.ones(len(tokenizer), dtype=bool)
        vocabulary = tokenizer.get_vocab()
        self.ends = np.zeros(len(tokenizer), dtype=bool)  # of a sentence
        self.ends[[vocabulary[stop] for stop in STOPS if stop in vocabulary]] = True
        if spec.permute_sentences and not self.ends.any():
            raise UserError(
                "sentences are to be permuted, but this vocabulary has no full stop",
                where=tokenizer.name_or_path,
                remedy="take a vocabulary that has one, or set noise.permute_sentences: 0",
            )
        self.ends[tokenizer.sep_token_id] = True

    def __call__(self, text: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        if self.spec.permute_sentences:
            text = self.permuted(text, generator)
        if self.spec.tokens == "infill":
            text = self.infilled(text, generator)
        elif self.spec.tokens:
            text = self.without_words(text, generator)
        if self.spec.rotate and generator.random() < self.spec.rotate:
            text = np.roll(text, -int(generator.integers(len(text))))
        return text

    def permuted(self, text: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Sentences of a text in another order; one ends behind the last of its full stops."""
        ends = self.ends[text]
        behind = ((ends[:-1] & ~ends[1:]).nonzero()[0] + 1).tolist()
        if not behind:
            return text
        sentences = [text[start:end] for start, end in pairwise([0, *behind, len(text)])]
        moved = generator.permutation(len(sentences))[: math.ceil(self.spec.permute_sentences * len(sentences))]
        order = np.arange(len(sentences))
        order[np.sort(moved)] = moved
        return np.concatenate([sentences[number] for number in order])

    def without_words(self, text: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Words masked piece by piece, or deleted."""
        words, first = self.words(text)
        chosen = np.zeros(len(first) + 1, dtype=bool)  # the last: special tokens, which have the number -1
        chosen[generator.permutation(len(first))[: self.budget(len(first))]] = True
        hidden = chosen[words]
        if self.spec.tokens == "delete":
            return text[~hidden]
        noised = text.copy()
        noised[hidden] = self.symbols(int(hidden.sum()), generator)
        return noised

    def infilled(self, text: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Spans of words, each replaced by one mask; special tokens inside them stay, behind it.

        Drawn by numpy, put together as lists: texts are a sentence or two, and a call of numpy costs as much as a
        dozen of their tokens.
        """
        places = self.first(text).nonzero()[0].tolist()  # where each word begins
        if not (budget := self.budget(len(places))):
            return text
        lengths = self.span_lengths(budget, generator)
        spans, kept = len(lengths), len(places) - budget
        slots = generator.permutation(kept + spans)[:spans]  # of kept words and spans in a row
        slots.sort()
        tokens, specials = text.tolist(), self.specials
        end = len(tokens)  # of the last word
        while tokens[end - 1] in specials:
            end -= 1
        places.append(end)
        noised: list[int] = []
        done = hidden = 0  # tokens that are dealt with, words in the spans before
        for number, (slot, length, symbol) in enumerate(
            zip(slots.tolist(), lengths.tolist(), self.symbols(spans, generator).tolist(), strict=True)
        ):
            word = slot - number + hidden  # before which the span stands
            noised += tokens[done : places[word]]
            noised.append(symbol)
            hidden, done = hidden + length, places[word + length]
            noised += [token for token in tokens[places[word] : done] if token in specials]
        return np.array(noised + tokens[done:], dtype=text.dtype)

    def span_lengths(self, budget: int, generator: np.random.Generator) -> np.ndarray:
        """Words of each span, in random order, int [k]; they add up to the budget."""
        some = int(budget / self.spec.span) + 2
        drawn, lengths, left = iter(()), [], budget
        while left:
            if (length := next(drawn, None)) is None:
                drawn = iter(generator.poisson(self.spec.span, some).tolist())
                continue
            lengths.append(min(length, left))
            left -= lengths[-1]
        empty = [place for place, length in enumerate(lengths) if not length]
        room = budget - (len(lengths) - len(empty))
        for place in reversed(empty[room:]):
            del lengths[place]
        return generator.permutation(np.array(lengths))

    def words(self, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(the number of every piece's word, -1 of special tokens; where each word begins)."""
        first = self.first(text)
        return np.where(self.special[text], -1, np.cumsum(first) - 1), np.flatnonzero(first)

    def first(self, text: np.ndarray) -> np.ndarray:
        """Which pieces begin a word, bool [n]."""
        special = self.special[text]
        first = self.starts[text]
        first[1:] |= special[:-1]
        first[0] = True
        first &= ~special
        return first

    def budget(self, words: int) -> int:
        """How many of so many words are hidden: ceil(rate x words), but one stays."""
        return min(math.ceil(self.spec.rate * words), max(words - 1, 0))

    def symbols(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """What stands for hidden text: the mask, or a random token."""
        made = np.full(count, self.mask, dtype=np.int32)
        if self.spec.random:
            drawn = generator.random(count) < self.spec.random
            made[drawn] = generator.choice(self.ordinary, int(drawn.sum()))
        return made
