"""Pairs of English sentences from Tatoeba that do or do not share a translation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.files.tables import members
from scriptorium.ledger import Ledger
from scriptorium.tasks import paraphrase
from scriptorium.tasks.raw_files import FIELDS, need_classes

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Pairs of English sentences that do or do not share a translation: `paraphrase` or `different` (ours)."""
    need_classes(spec, "different", "paraphrase")
    (path,) = members(artifact, "SENTENCES")
    rows = [
        {
            "id": f"pair-{n:05d}",
            "text": p.text,
            "text_b": p.text_b,
            "label": "paraphrase" if p.same else "different",
            "split": "",
        }
        for n, p in enumerate(paraphrase.read_pairs(path, spec.split_seed))
    ]
    return pd.DataFrame(rows, columns=FIELDS)
