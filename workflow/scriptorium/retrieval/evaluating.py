"""What an encoder finds in a part of a set, as rows whose sums give accuracy and F1.

A row is a text, or in a search a pair seen from one of its sides. hit, predicted and gold are what it adds to the three
sums, and the measure is 2 hit / (predicted + gold): F1; in a search, where all three count every row, accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from scriptorium.retrieval import mining
from scriptorium.retrieval.collection import Part, Side
from scriptorium.retrieval.searching import search

BOTH = "both"
MODEL, RANDOM = "model", "random"  # who searches: the encoder, its architecture with random weights
COLUMNS = ("id", "languages", "direction", "layer", "scorer", "found", "score", "hit", "predicted", "gold")

Pause = Callable[[], None]


class Distinct(NamedTuple):
    """The texts of a side, each once; rows: where each first stands; owners: the number of the text of each row."""

    texts: list[str]
    rows: np.ndarray
    owners: np.ndarray


def distinct(side: Side) -> Distinct:
    """Equal texts are read once."""
    numbers: dict[str, int] = {}
    owners = np.fromiter((numbers.setdefault(text, len(numbers)) for text in side.texts), np.int64, len(side))
    return Distinct(list(numbers), np.unique(owners, return_index=True)[1], owners)


def searched(part: Part, x: np.ndarray, y: np.ndarray, score: str, neighbours: int, pause: Pause) -> pd.DataFrame:
    """Two rows for each pair of the gold, one a direction. x, y: vectors of all texts of the two sides."""
    matches = search(x, y, score, neighbours, pause)
    sides, tables = (part.first, part.second), []
    for number, (match, direction) in enumerate(zip(matches, part.directions, strict=True)):
        asked, wanted = part.gold[:, number], part.gold[:, 1 - number]
        made = _named(sides[1 - number], match.rows[asked])
        rows = {"id": _named(part.first, part.gold[:, 0]), "found": made, "score": match.scores[asked]}
        hit = match.rows[asked] == wanted
        tables.append(pd.DataFrame(rows).assign(direction=direction, hit=hit.astype(np.int8), predicted=1, gold=1))
    return pd.concat(tables)


def mined(part: Part, found: mining.Candidates, threshold: float) -> pd.DataFrame:
    """A row for each text of the first side."""
    kept = found.scores.astype(np.float64) >= threshold
    pairs, scores, right = found.pairs[kept], found.scores[kept], found.right[kept]
    made, score = np.full(len(part.first), None, object), np.full(len(part.first), np.nan, np.float32)
    made[pairs[:, 0]], score[pairs[:, 0]] = _named(part.second, pairs[:, 1]), scores
    counts = {"hit": pairs[right, 0], "predicted": pairs[:, 0], "gold": part.gold[:, 0]}
    rows = {"id": part.first.ids, "found": made, "score": score}
    rows |= {name: np.bincount(owners, minlength=len(part.first)) for name, owners in counts.items()}
    return pd.DataFrame(rows).assign(direction=BOTH)


def candidates(
    part: Part, x: np.ndarray, y: np.ndarray, score: str, neighbours: int, pause: Pause
) -> mining.Candidates:
    """x, y: vectors of the distinct texts of the two sides."""
    rows = tuple(distinct(side).rows for side in (part.first, part.second))
    return mining.candidates(part, rows, *search(x, y, score, neighbours, pause))


def chance(part: Part, *, mines: bool) -> dict[str, float]:
    """Direction -> what guessing gives: one of the other side's texts; mined: as many random pairs as there are."""
    sizes = len(part.first), len(part.second)
    if mines:
        return {BOTH: len(part.gold) / (sizes[0] * sizes[1])}
    return {direction: 1 / sizes[1 - number] for number, direction in enumerate(part.directions)}


def measure(rows: pd.DataFrame) -> float:
    """Accuracy or F1 of these rows."""
    hit, predicted, gold = (int(rows[name].sum()) for name in ("hit", "predicted", "gold"))
    return 2 * hit / (predicted + gold)


def finished(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows in one table, with COLUMNS."""
    made = pd.concat(tables, ignore_index=True)[list(COLUMNS)]
    return made.astype({"hit": "int32", "predicted": "int32", "gold": "int32", "layer": "int32"})


def _named(side: Side, rows: np.ndarray) -> np.ndarray:
    return np.array(side.ids, dtype=object)[rows]
