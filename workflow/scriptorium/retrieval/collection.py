"""A retrieval set: for two languages, the texts of each and which of them belong together.

On disk, a row each: sentences.parquet (languages, split, side: a or b, language, id, text) and gold.parquet (languages,
split, a, b: ids of texts that translate one another). Splits: test, and dev where a threshold is to be tuned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.files.tables import write_parquet

SENTENCES, GOLD = "sentences.parquet", "gold.parquet"
TEST, DEV = "test", "dev"
SIDES = ("a", "b")


@dataclass(frozen=True)
class Side:
    """The texts of one language, in the order of the files. Ids are distinct."""

    language: str
    ids: list[str]
    texts: list[str]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Part:
    """Two languages of one split. gold: int64 [pairs, 2], rows of the two sides that translate one another."""

    split: str
    first: Side
    second: Side
    gold: np.ndarray

    @property
    def languages(self) -> str:
        """Such as de-en, in the order of the alphabet."""
        return f"{self.first.language}-{self.second.language}"

    @property
    def name(self) -> str:
        """Such as de-en-test."""
        return f"{self.languages}-{self.split}"

    @property
    def directions(self) -> tuple[str, str]:
        """From the first language to the second, and back."""
        one, other = self.first.language, self.second.language
        return f"{one} to {other}", f"{other} to {one}"


def part(split: str, one: Side, other: Side, gold: np.ndarray) -> Part:
    """A part, whose sides come in the order of the alphabet."""
    if one.language < other.language:
        return Part(split, one, other, gold)
    return Part(split, other, one, gold[:, ::-1])


def write(parts: Iterable[Part], out: Path) -> list[Path]:
    """The two tables of a set."""
    texts, gold = [], []
    for each in parts:
        place = {"languages": each.languages, "split": each.split}
        for name, side in zip(SIDES, (each.first, each.second), strict=True):
            facts = {**place, "side": name, "language": side.language}
            texts.append(pd.DataFrame({"id": side.ids, "text": side.texts}).assign(**facts))
        ids = (np.array(side.ids, dtype=object)[each.gold[:, number]] for number, side in _numbered(each))
        gold.append(pd.DataFrame(dict(zip(SIDES, ids, strict=True))).assign(**place))
    columns = ["languages", "split", "side", "language", "id", "text"]
    return [
        write_parquet(pd.concat(texts)[columns].astype("string"), out / SENTENCES),
        write_parquet(pd.concat(gold)[["languages", "split", *SIDES]].astype("string"), out / GOLD),
    ]


def read(folder: Path) -> Iterator[Part]:
    """The parts of a set: of every pair of languages dev, if it has one, and then test."""
    texts, gold = pd.read_parquet(folder / SENTENCES), pd.read_parquet(folder / GOLD)
    owners = dict(iter(gold.groupby(["languages", "split"], sort=False)))
    for (languages, split), own in texts.groupby(["languages", "split"], sort=True):  # dev before test
        sides = [
            Side(rows["language"].iloc[0], rows["id"].tolist(), rows["text"].tolist())
            for rows in (own[own["side"] == name] for name in SIDES)
        ]
        pairs = owners[languages, split]
        rows = [pd.Index(side.ids).get_indexer(pairs[name].tolist()) for name, side in zip(SIDES, sides, strict=True)]
        yield Part(split, *sides, np.stack(rows, axis=1))


def _numbered(each: Part) -> Iterator[tuple[int, Side]]:
    return enumerate((each.first, each.second))
