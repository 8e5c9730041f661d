"""Pairs of a corpus of pairs (results/data/parallel/<name>): its train split, and the held-out pairs as translation
divides them (translation/pairs.py). So what such a corpus reads can be written: Tatoeba, Multi30k, WMT's files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium import manifest
from scriptorium.generation.frame import FIELDS
from scriptorium.ledger import Ledger
from scriptorium.translation import pairs
from scriptorium.translation.spec import Direction

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerationDataSpec


def read(spec: GenerationDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """The pairs of both languages, within the limits. Pre-training holds the same pairs out, so no text is named that a
    corpus leaves out. Raises UserError: a corpus without these languages, an empty split."""
    direction = Direction(source=spec.options.source, target=spec.options.target, limits=spec.limits)
    parts = pairs.splits(direction, manifest.the_parquet(artifact))
    frame = pd.concat([own.assign(split=split) for split, own in parts.items()], ignore_index=True)
    return frame.assign(whole=None, group=[(own,) for own in frame["id"]])[FIELDS]
