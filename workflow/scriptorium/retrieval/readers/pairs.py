"""The held-out pairs of a corpus of pairs, of which no text occurs in its train split (text/parallel/splitting.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scriptorium import manifest
from scriptorium.errors import UserError, nearest
from scriptorium.files.damage import reading
from scriptorium.ledger import Ledger
from scriptorium.retrieval.collection import TEST, Part, Side, part

if TYPE_CHECKING:
    from scriptorium.retrieval.spec import CollectionSpec

COLUMNS = ["id", "lang_a", "lang_b", "text_a", "text_b"]


def read(spec: CollectionSpec, artifact: Path, ledger: Ledger) -> Iterator[Part]:
    """A part for each language that has held-out pairs with the pivot. artifact: manifest of a corpus of pairs.

    Raises UserError: a language without held-out pairs.
    """
    path = manifest.the_parquet(artifact)
    with reading(path, "parquet"):
        pairs = pd.read_parquet(path, columns=COLUMNS, filters=[("split", "==", "validation")])
    groups = dict(iter(pairs.groupby(["lang_a", "lang_b"], sort=True)))
    found = {key[1 - key.index(spec.pivot)]: own for key, own in groups.items() if spec.pivot in key}
    for language in spec.languages:
        if language not in found:
            raise UserError(
                f"no held-out pairs of {language!r} and {spec.pivot!r}, {nearest(language, found)}",
                where=path,
                remedy="correct `languages` or `pivot`, or add a source to the corpus of pairs",
            )
    for language in spec.languages or sorted(found):
        own = found[language]
        sides = [Side(own[f"lang_{name}"].iloc[0], own["id"].tolist(), own[f"text_{name}"].tolist()) for name in "ab"]
        rows = np.arange(len(own))
        yield part(TEST, *sides, np.stack([rows, rows], axis=1))
