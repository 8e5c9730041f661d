"""The pairs of a direction: train, validation and test, from one or two corpora of pairs.

What is held out of the corpus is divided by a hash of both texts: a quarter is validation, the rest is the test set
(ours). The hash knows no direction, so de-en is tested on the pairs of en-de; and it gives the order in which a limit
takes the first ones, so a smaller limit chooses among the same pairs. A test set from another corpus is taken whole and
in its own order, and pairs with one of its texts are left out of train and validation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium.errors import UserError
from scriptorium.text.parallel.splitting import digest

if TYPE_CHECKING:
    from scriptorium.translation.spec import Direction

QUARTER = 4  # of so many held-out pairs one is validation
COLUMNS = ["id", "source", "target"]


def splits(direction: Direction, parallel: Path, test: Path | None = None) -> dict[str, pd.DataFrame]:
    """split -> pairs (COLUMNS, all str). parallel, test: files pairs.parquet; without `test` it is from `parallel`.

    Raises UserError: a corpus without these two languages, an empty split.
    """
    pairs = read(direction, parallel)
    held_out = pairs[pairs["split"] == "validation"]
    found = {"train": pairs[pairs["split"] == "train"], "validation": held_out}
    if test is None:
        chosen = held_out["order"] % QUARTER == 0
        found |= {"validation": held_out[chosen], "test": held_out[~chosen]}
    else:
        whole = read(direction, test)
        seen = {language: set(whole[language]) for language in ("source", "target")}
        for split, own in found.items():
            found[split] = own[~(own["source"].isin(seen["source"]) | own["target"].isin(seen["target"]))]
        found["test"] = whole.assign(order=np.arange(len(whole)))
    limited = {split: _first(own, direction.limits.get(split)) for split, own in found.items()}
    for split, own in limited.items():
        if own.empty:
            where = parallel if test is None or split != "test" else test
            raise UserError(
                f"no pair of {direction.source} and {direction.target} is left for {split}",
                where=where,
                remedy="give more pairs, or raise validation_share of this corpus of pairs",
            )
    return limited


def read(direction: Direction, path: Path) -> pd.DataFrame:
    """Pairs of both languages: COLUMNS, split, and order, a hash of the texts. Raises UserError if there are none."""
    first, second = sorted((direction.source, direction.target))
    table = pd.read_parquet(path, filters=[("lang_a", "==", first), ("lang_b", "==", second)])
    if table.empty:
        raise UserError(
            f"this corpus has no pairs of {direction.source} and {direction.target}",
            where=path,
            remedy="correct source and target, or add a source in these languages to the corpus of pairs",
        )
    sides = ("text_a", "text_b") if direction.source == first else ("text_b", "text_a")
    order = [digest(0, f"{a}\n{b}") for a, b in zip(table["text_a"], table["text_b"], strict=True)]
    made = table.rename(columns=dict(zip(sides, ("source", "target"), strict=True)))
    return made[[*COLUMNS, "split"]].assign(order=np.array(order, dtype=np.uint64))


def _first(pairs: pd.DataFrame, limit: int | None) -> pd.DataFrame:
    """The first ones in their order, or all of them; as they stand in the file."""
    rows = np.argsort(pairs["order"].to_numpy(), kind="stable")[:limit]
    return pairs.iloc[np.sort(rows)][COLUMNS].reset_index(drop=True)
