"""Held-out sentences and the same with two of their words swapped, neighbours or such as stand further apart (ours).

The two words are made of lower-case letters alone, differ, and are neither the sentence's first word nor next to
punctuation, so that capitals and full stops do not tell the two apart. Which pair of a sentence is swapped is drawn by
the sentence's hash. Some swaps leave a good sentence ("now and then"); so the best accuracy is a little below 1.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.ledger import Ledger
from scriptorium.minimal_pairs.held_out import digest, sentences

if TYPE_CHECKING:
    from scriptorium.minimal_pairs.readers.spec import SwappedOptions

WORD = re.compile("[a-z]+")


def read(artifact: Path, options: SwappedOptions, ledger: Ledger) -> pd.DataFrame:
    """A pair per sentence that can be broken so; the paradigm is the sentence's data set."""
    seed, distance = options.seed, options.distance
    broken = ((each, swapped(each.text, seed, distance)) for each in sentences(artifact, options))
    rows = [
        {"good": sentence.text, "bad": bad, "phenomenon": "word order", "paradigm": sentence.source}
        for sentence, bad in islice(((s, bad) for s, bad in broken if bad), options.pairs)
    ]
    ids = [f"swapped-{number:05d}" for number in range(len(rows))]
    return pd.DataFrame(rows, columns=["good", "bad", "phenomenon", "paradigm"]).assign(id=ids)


def swapped(text: str, seed: int, distance: int = 1) -> str | None:
    """The sentence with two of its words swapped, `distance` places apart, or None where no two can be."""
    words = text.split()
    plain = [WORD.fullmatch(word) is not None for word in words]
    places = [
        place
        for place in range(1, len(words) - distance)
        if plain[place] and plain[place + distance] and words[place] != words[place + distance]
    ]
    if not places:
        return None
    place = places[digest(seed, text) % len(places)]
    words[place], words[place + distance] = words[place + distance], words[place]
    return " ".join(words)
