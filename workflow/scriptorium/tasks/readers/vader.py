"""Sentences rated for sentiment by people (Hutto and Gilbert 2014)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import clean, members, read_text
from scriptorium.ledger import Ledger
from scriptorium.tasks.raw_files import FIELDS, need_classes

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

DOMAINS = {
    "movie": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "nyt": "nytEditorialSnippets",
    "tweets": "tweets",
}
HIGHEST = 4


def read(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Sentences rated from -4 to 4 by ten to twenty people each (Hutto and Gilbert 2014).

    With labels, a mean rating of at least the threshold is `positive`, of at most minus the threshold `negative`, and
    sentences between them are left out. Without labels, for regression, the rating is the label.
    """
    options = spec.options
    if spec.labels:
        need_classes(spec, "negative", "positive")
    (path,) = members(artifact, f"{DOMAINS[options.domain]}_GroundTruth.txt")
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        cells = line.split("\t")
        if not line:
            continue
        try:
            own, rating, text = cells[0], float(cells[1]), clean(cells[2])
            if not (abs(rating) <= HIGHEST and text):
                raise ValueError("not a rating")
        except (IndexError, ValueError):
            raise UserError(
                f"expected an id, a rating from -{HIGHEST} to {HIGHEST} and a text, separated by tabs",
                where=f"{path}, line {number}",
                remedy="fetch the file again",
            ) from None
        label = _polarity(rating, options.threshold) if spec.labels else rating
        if label is not None:
            rows.append({"id": f"{options.domain}-{own}", "text": text, "text_b": None, "label": label, "split": ""})
    return pd.DataFrame(rows, columns=FIELDS)


def _polarity(rating: float, threshold: float) -> str | None:
    return "positive" if rating >= threshold else "negative" if rating <= -threshold else None
