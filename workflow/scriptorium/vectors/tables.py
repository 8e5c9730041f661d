"""What vectors and links of pairs in two languages add to the measures: rows of sums (measures.py has the columns)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from scriptorium.alignments import error_rate
from scriptorium.crosslingual.alignment import STATES
from scriptorium.crosslingual.held_out import Pair
from scriptorium.text.dictionaries.preparing import Translations
from scriptorium.vectors import sentences, words
from scriptorium.vectors.measures import BOTH, CHANCE, DISTANCE, KEYS, STRICT, SUMS, TYPE, UNIFORMITY, chance_of
from scriptorium.vectors.texts import Translation

FACTS = ("measure", "languages", "direction", "reads", "layer", "scorer")


@dataclass(frozen=True)
class Group:
    """Pairs of the same two languages. parts: the half of each (measures.py)."""

    pairs: Sequence[Pair]
    parts: Sequence[str]

    @property
    def languages(self) -> tuple[str, str]:
        return self.pairs[0].languages

    def directions(self) -> tuple[str, str]:
        """From the first language to the second, and back."""
        one, other = self.languages
        return f"{one} to {other}", f"{other} to {one}"

    def rows(
        self, measure: str, direction: str, sums: np.ndarray, *, layer: int, scorer: str, reads: str = STATES
    ) -> Rows:
        """sums [pairs, k]."""
        padded = np.zeros((len(self.pairs), len(SUMS)))
        padded[:, : sums.shape[1]] = sums
        return Rows((measure, "-".join(self.languages), direction, reads, layer, scorer), self, padded)


class Rows(NamedTuple):
    """A row per pair of a group. facts: those of FACTS · sums: float64 [pairs, 4]."""

    facts: tuple
    group: Group
    sums: np.ndarray


def joined_rows(rows: Sequence[Rows]) -> pd.DataFrame:
    """All of them, with KEYS and SUMS."""
    columns = {
        name: [value for each in rows for value in [each.facts[place]] * len(each.sums)]
        for place, name in enumerate(FACTS)
    }
    columns["part"] = [part for each in rows for part in each.group.parts]
    columns["pair"] = [pair.id for each in rows for pair in each.group.pairs]
    values = np.concatenate([each.sums for each in rows])
    made = pd.DataFrame(columns | dict(zip(SUMS, values.T, strict=True)))
    return made[[*KEYS, *SUMS]].astype({"layer": "int32"})


def of_texts(group: Group, x: np.ndarray, y: np.ndarray, layer: int, scorer: str) -> Iterator[Rows]:
    """Alignment, beside texts that do not translate one another, and uniformity. x, y: [pairs, d]."""
    one = np.ones(len(x))
    own, others = sentences.distances(x, y)
    yield group.rows(DISTANCE, BOTH, np.stack([own, one], 1), layer=layer, scorer=scorer)
    yield group.rows(DISTANCE, BOTH, np.stack([others, one], 1), layer=layer, scorer=chance_of(scorer))
    sides = [np.stack([sentences.potentials(each), one], 1) for each in (x, y)]
    for direction, sums in zip((*group.languages, BOTH), (*sides, sum(sides)), strict=True):
        yield group.rows(UNIFORMITY, direction, sums, layer=layer, scorer=scorer)


def of_words(
    group: Group,
    vectors: Sequence[np.ndarray],
    translations: Callable[[str, str], Translations],
    scorer: str,
) -> Iterator[Rows]:
    """Word retrieval in every layer, and by chance. vectors: of both sides [layers, words, d]."""
    found: dict[tuple[str, int, str], list[np.ndarray]] = {}  # (measure, layer, scorer) -> sums of both directions
    for side in (0, 1):
        asked = words.asked(group.pairs, side, translations(group.languages[side], group.languages[1 - side]))

        def by_pair(right: np.ndarray, owners: np.ndarray = asked.pairs) -> np.ndarray:
            return np.stack([np.bincount(owners, each, len(group.pairs)) for each in (right, np.ones(len(owners)))], 1)

        for layer, (own, others) in enumerate(zip(vectors[side], vectors[1 - side], strict=True)):
            right = (*words.hits(asked, own, others), asked.strict.mean(1), asked.by_type.mean(1))
            who = ((STRICT, scorer), (TYPE, scorer), (STRICT, chance_of(scorer)), (TYPE, chance_of(scorer)))
            for (measure, whose), each in zip(who, right, strict=True):
                found.setdefault((measure, layer, whose), []).append(by_pair(each))
    for (measure, layer, whose), sides in found.items():
        for direction, sums in zip((*group.directions(), BOTH), (*sides, sum(sides)), strict=True):
            yield group.rows(measure, direction, sums, layer=layer, scorer=whose)


def counted(translation: Translation, scores: Mapping[tuple[str, int, int], np.ndarray]) -> dict[str, np.ndarray]:
    """{"<source>/<layer>": int64 [methods, 4], the sums of error_rate.py}, of one sentence with gold links.

    scores: those of crosslingual/alignment.py.
    """
    made = {
        f"{source}/{layer}": error_rate.links(own, scores[source, layer, 1])
        for (source, layer, side), own in scores.items()
        if side == 0
    }
    place = error_rate.diagonal(*translation.sure.shape)
    made[f"{CHANCE}/0"] = error_rate.links(place, place.T)
    return {
        name: np.array(
            [error_rate.counts(links[m], translation.sure, translation.possible) for m in error_rate.METHODS]
        )
        for name, links in made.items()
    }


def of_links(group: Group, found: Mapping[str, np.ndarray], scorer: str) -> Iterator[Rows]:
    """Error rate, precision and recall of every source and layer, beside the word at the same place as chance.

    found: {"<source>/<layer>": [pairs, methods, 4]}.
    """
    diagonal = found[f"{CHANCE}/0"]
    for name, sums in found.items():
        reads, _, layer = name.partition("/")
        if reads == CHANCE:
            continue
        for measure in error_rate.MEASURES:
            for number, direction in enumerate((*group.directions(), BOTH)):
                for whose, own in ((scorer, sums), (chance_of(scorer), diagonal)):
                    yield group.rows(measure, direction, own[:, number], layer=int(layer), scorer=whose, reads=reads)
