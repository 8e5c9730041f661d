"""Sentences rated for sentiment by people (Hutto and Gilbert 2014)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from scriptorium.errors import UserError
from scriptorium.files.tables import choose, clean, members, read_text, settle
from scriptorium.ledger import Ledger
from scriptorium.tasks.readers.common import FIELDS, need_classes, need_kind, options_of

if TYPE_CHECKING:
    from scriptorium.tasks.spec import TaskDataSpec

DOMAINS = {
    "movie": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "nyt": "nytEditorialSnippets",
    "tweets": "tweets",
}


def read_vader(spec: TaskDataSpec, artifact: Path, ledger: Ledger) -> pd.DataFrame:
    """Sentences rated from -4 to 4 by ten to twenty people each (Hutto and Gilbert 2014).

    options: domain = movie | amazon | nyt | tweets; threshold t: a mean rating of at least t is `positive`, of at
    most -t `negative`, between them the sentence is left out (0.5: ours). For regression the label is the rating.
    """
    where = options_of(spec)
    options = settle(spec.options, where, domain="movie", threshold=0.5)
    name = choose(options["domain"], DOMAINS, "domain", where)
    need_kind(spec, "classification or regression", "a label per text")
    if spec.kind == "classification":
        need_classes(spec, "negative", "positive")
    (path,) = members(artifact, f"{name}_GroundTruth.txt")
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        cells = line.split("\t")
        if not line:
            continue
        try:
            own, rating, text = cells[0], float(cells[1]), clean(cells[2])
        except (IndexError, ValueError):
            raise UserError(
                "expected an id, a rating and a text, separated by tabs",
                where=f"{path}, line {number}",
                remedy="fetch the file again",
            ) from None
        label = rating if spec.kind == "regression" else _polarity(rating, options["threshold"])
        if label is not None:
            rows.append({"id": f"{options['domain']}-{own}", "text": text, "text_b": None, "label": label, "split": ""})
    return pd.DataFrame(rows, columns=FIELDS)


def _polarity(rating: float, threshold: float) -> str | None:
    return "positive" if rating >= threshold else "negative" if rating <= -threshold else None
