"""The model card of a gaze predictor: what it was trained on, and how it does where it was not (the hub's form)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from scriptorium.gaze.spec import GazeLeftOutSpec

SHOWN = ("corpus", "measure", "words", "spearman", "spearman_length", "spearman_length_frequency", "coverage")


def card(spec: GazeLeftOutSpec, words: Mapping[str, int], left_out: pd.DataFrame) -> str:
    """Markdown. words: of each training corpus; left_out: results/tables/gaze_left_out.tsv."""
    languages = sorted({spec.languages[name] for name in words})
    trained = [f"| {_cell(name)} | {spec.languages[name]} | {count} |" for name, count in words.items()]
    table = [f"| {' | '.join(SHOWN)} |", f"| {' | '.join('---' for _ in SHOWN)} |"]
    for row in left_out.to_dict("records"):
        cells = [f"{row[name]:.3f}" if isinstance(row[name], float) else _cell(str(row[name])) for name in SHOWN]
        table.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            "---",
            "library_name: scriptorium",
            "tags: [eye-tracking, reading]",
            f"language: [{', '.join(languages)}]",
            "---",
            "",
            "# Reading measures of words",
            "",
            f"Predicts {', '.join(spec.measures)} of every word of a text, as a mean over participants with zeros for",
            "skipped words: a line on length and frequency, mixed with gradient boosting on surface features.",
            "",
            "## Trained on",
            "",
            "| corpus | language | words |",
            "| --- | --- | --- |",
            *trained,
            "",
            "## On each corpus left out",
            "",
            "Spearman's correlation of a predictor trained on the other corpora, of word length alone, and of a",
            "line on length and frequency; coverage: the share of the words inside the 80 % interval.",
            "",
            *table,
            "",
            "## Limits",
            "",
            "The level of a corpus (its text, task and tracker) is not known beforehand: numbers are at that of the",
            "training corpora together, and say which words take longer, not how long this reader will take. The",
            "corpora's own licences apply to them; no text and no recording is part of this folder.",
            "",
        ]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
