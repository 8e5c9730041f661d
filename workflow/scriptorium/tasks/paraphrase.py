"""A paraphrase task made from Tatoeba (ours): do two English sentences mean the same?

Positives are two English sentences that share one translation. Negatives are matched to them: each positive pair
lends one of its sentences, which is set beside a sentence with another translation, about as much word overlap and
about the same length as the partner had. So neither overlap nor length tells the classes apart.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from scriptorium.files.tables import clean
from scriptorium.tasks.word_overlap import overlap, tokens, words
from scriptorium.text.corpora.tatoeba_table import LANGUAGES, read_rows

PIVOTS = ("ger", "fre", "spa", "dut", "swe")  # not jpn: every row has its own Japanese sentence
LENGTH_WEIGHT = 0.02  # one word more or less weighs as much as this difference in overlap
TRIED = 200  # best matching sentences that are looked at for a negative


FUNCTION_WORDS = words(
    "a an the this that these those i you we they it is are was were am be been do does did have has had will would "
    "shall should can could may might must to of in on at for with by from up out and or but if so as than then now "
    "very much too just please not i'm i've i'll i'd you're you've you'll we're we've it's that's don't doesn't didn't "
    "isn't aren't won't can't there here my your our"
)


@dataclass(frozen=True)
class Pair:
    """Two different English sentences, and whether they share a translation."""

    text: str
    text_b: str
    same: bool


def read_pairs(path: Path, seed: int) -> list[Pair]:
    """Positives and as many matched negatives from Tatoeba's table SENTENCES; which, is a function of the seed."""
    translations = _translations(path)
    rng = np.random.default_rng([seed, len(translations)])
    positives = _positives(translations)
    negatives = _negatives(positives, translations, rng)
    pairs = [Pair(*pair, True) for pair in positives] + [Pair(*pair, False) for pair in negatives]
    swaps = rng.random(len(pairs)) < 0.5
    return [Pair(p.text_b, p.text, p.same) if swap else p for p, swap in zip(pairs, swaps, strict=True)]


def _translations(path: Path) -> dict[str, set[tuple[str, str]]]:
    """English sentence -> its translations as (language, text). Of sentences equal but for punctuation, the first."""
    spelling: dict[str, str] = {}
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in read_rows(path):
        others = {(code, clean(row[LANGUAGES[code]])) for code in PIVOTS if row[LANGUAGES[code]]}
        forms = tokens(english := clean(row[LANGUAGES["eng"]]))
        if others and forms:
            found[spelling.setdefault(" ".join(forms), english)] |= others
    return dict(found)


def _positives(translations: dict[str, set[tuple[str, str]]]) -> list[tuple[str, str]]:
    """All pairs of sentences with a translation in common, sorted."""
    by_translation = defaultdict(set)
    for text, others in translations.items():
        for other in others:
            by_translation[other].add(text)
    return sorted({pair for texts in by_translation.values() for pair in combinations(sorted(texts), 2)})


def _negatives(
    positives: list[tuple[str, str]], translations: dict[str, set[tuple[str, str]]], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """For each positive pair, (one of its sentences, a sentence of no positive pair), matched in overlap and length.

    The new sentence has a translation into a language that the first one is translated into as well, and it is
    another one: so that "not the same translation" is known, and not just unknown. It differs by more than function
    words, since those rarely change the translation. Every new sentence is used once.
    """
    taken = {text for pair in positives for text in pair}
    free = sorted(translations.keys() - taken)
    if not free:
        return []
    free = [free[number] for number in rng.permutation(len(free))]  # so that ties are drawn, not alphabetical
    index = _Index(free)
    used = np.zeros(len(free), dtype=bool)
    negatives = []
    for pair in positives:
        found = []
        for kept, partner in (pair, pair[::-1]):
            gaps = index.gaps(kept, partner)
            gaps[used] = np.inf
            for number in _lowest(gaps, TRIED):
                if _differ(kept, free[number], translations):
                    found.append((gaps[number], kept, number))
                    break
        if found:
            _, kept, number = min(found)
            used[number] = True
            negatives.append((kept, free[number]))
    return negatives


class _Index:
    """Finds, among many sentences, those that resemble a sentence as much as another one does."""

    def __init__(self, texts: list[str]):
        bags = [words(text) for text in texts]
        containing: dict[str, list[int]] = defaultdict(list)
        for number, bag in enumerate(bags):
            for word in bag:
                containing[word].append(number)
        self.numbers = {word: np.array(numbers, dtype=np.int32) for word, numbers in containing.items()}
        self.rarity = {word: float(np.log((len(texts) + 1) / len(numbers))) for word, numbers in containing.items()}
        self.unknown = float(np.log(len(texts) + 1))
        self.sizes = np.array([len(bag) for bag in bags], dtype=np.float32)
        self.weights = np.array([self._weight(bag) for bag in bags], dtype=np.float32)

    def gaps(self, kept: str, partner: str) -> np.ndarray:
        """[sentences] how far each is from resembling `kept` as `partner` does: in the overlap of word forms, in that
        overlap weighted by rarity (else negatives would share only common words), and in the number of words."""
        own, other = words(kept), words(partner)
        known = sorted(word for word in own if word in self.numbers)
        numbers = np.concatenate([self.numbers[word] for word in known] or [np.zeros(0, dtype=np.int32)])
        rarity = np.repeat([self.rarity[word] for word in known], [len(self.numbers[word]) for word in known])
        count = len(self.sizes)
        shared = np.bincount(numbers, minlength=count).astype(np.float32)
        weight = np.bincount(numbers, weights=rarity, minlength=count).astype(np.float32)
        gaps = np.abs(shared / (len(own) + self.sizes - shared) - overlap(own, other))
        wanted = self._weight(own & other) / self._weight(own | other)
        gaps += np.abs(weight / (self._weight(own) + self.weights - weight) - wanted)
        gaps += LENGTH_WEIGHT * np.abs(self.sizes - len(other))
        return gaps

    def _weight(self, bag: frozenset[str]) -> float:
        return sum(self.rarity.get(word, self.unknown) for word in sorted(bag))


def _lowest(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the `count` lowest values, lowest first."""
    some = np.argpartition(values, count)[:count] if count < len(values) else np.arange(len(values))
    return some[np.argsort(values[some], kind="stable")]


def _differ(a: str, b: str, translations: dict[str, set[tuple[str, str]]]) -> bool:
    common = {language for language, _ in translations[a]} & {language for language, _ in translations[b]}
    return bool(common) and not (words(a) ^ words(b)) <= FUNCTION_WORDS
