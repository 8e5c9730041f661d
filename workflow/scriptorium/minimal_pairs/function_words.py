"""English function words whose loss or repetition breaks most sentences (the list is ours), and where they stand.

Left out are words without which many sentences are good ("that", "very", "not"), pronouns, and words that may stand
twice ("had had").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.minimal_pairs.held_out import digest, sentences

if TYPE_CHECKING:
    from scriptorium.minimal_pairs.readers.spec import FunctionWordOptions

ARTICLES = ("a", "an", "the")
PREPOSITIONS = ("about", "at", "between", "by", "for", "from", "in", "into", "of", "on", "to", "with")
AUXILIARIES = ("are", "be", "been", "has", "have", "is", "was", "were")
MODALS = ("can", "could", "may", "might", "must", "should", "will", "would")
CONJUNCTIONS = ("and", "as", "because", "but", "if", "or", "than")
WORDS = frozenset((*ARTICLES, *PREPOSITIONS, *AUXILIARIES, *MODALS, *CONJUNCTIONS))
PLAIN = re.compile("[a-z]+")

Break = Callable[[list[str], int], Sequence[str]]  # (words, place of a function word) -> the broken sentence's words


def read(artifact: Path, options: FunctionWordOptions, phenomenon: str, change: Break) -> pd.DataFrame:
    """A pair per held-out sentence with a function word between two plain words; the paradigm is its data set."""
    broken = ((each, broken_by(each.text, options.seed, change)) for each in sentences(artifact, options))
    rows = [
        {"good": sentence.text, "bad": bad, "phenomenon": phenomenon, "paradigm": sentence.source}
        for sentence, bad in islice(((s, bad) for s, bad in broken if bad), options.pairs)
    ]
    ids = [f"{phenomenon.replace(' ', '-')}-{number:05d}" for number in range(len(rows))]
    return pd.DataFrame(rows, columns=["good", "bad", "phenomenon", "paradigm"]).assign(id=ids)


def broken_by(text: str, seed: int, change: Break) -> str | None:
    """The sentence with one function word changed, drawn by the sentence's hash; None where there is none."""
    words = text.split()
    found = places(words)
    return " ".join(change(words, found[digest(seed, text) % len(found)])) if found else None


def places(words: Sequence[str]) -> list[int]:
    """Where a function word stands behind the first word and between two others of lower-case letters alone.

    So capitals and punctuation tell nothing, and neither neighbour is the word itself.
    """
    return [
        place
        for place in range(2, len(words) - 1)
        if words[place] in WORDS
        and all(PLAIN.fullmatch(words[near]) and words[near] != words[place] for near in (place - 1, place + 1))
    ]
