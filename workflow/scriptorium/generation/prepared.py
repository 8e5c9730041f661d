"""Reads a prepared generation task, whose tables prepare_generation wrote."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.tasks.splits import SPLITS


def read(folder: Path, prompt: str = "") -> dict[str, pd.DataFrame]:
    """split -> id, source, target. prompt: stands before every source, with a blank behind it.

    Raises UserError, naming file and example, for an empty source or target.
    """
    found = {}
    for split in SPLITS:
        path = folder / f"{split}.parquet"
        table = pd.read_parquet(path, columns=["id", "source", "target"]).astype(object)
        for side in ("source", "target"):
            empty = ~table[side].fillna("").str.strip().astype(bool)
            if empty.any():
                raise UserError(
                    f"an empty {side}: nothing can be {'read' if side == 'source' else 'learned or scored'}",
                    where=f"{path}, id {table['id'][empty.idxmax()]!r}",
                    remedy="prepare the task again",
                )
        found[split] = table.assign(source=f"{prompt} " + table["source"]) if prompt else table
    return found


def lead(tables: Mapping[str, pd.DataFrame], prompt: str = "") -> list[str]:
    """The first words of each source of test, as many as a target of train has in the median: what a writer must beat.

    Without the prompt.
    """
    words = max(1, int(tables["train"]["target"].str.split().str.len().median()))
    bare = tables["test"]["source"].str.removeprefix(f"{prompt} " if prompt else "")
    return [" ".join(text.split()[:words]) for text in bare]
