"""Features that hold what a task asks for: the positive control of cognition (docs/cogbert.md; ours).

Every word has all eight features and is a span of its own, so that each layer's maps carry the word's value, whichever
level the layer fuses. The value is what `of` says:
- marks: 1 for the marked word of a text (tasks/marks.py), 0 for the others;
- measures: the task's first measure, as a share of its scale from 0 to 100, mean over readings of the same text.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scriptorium.linguistics.align import word_spans
from scriptorium.linguistics.annotate import text_key
from scriptorium.linguistics.features import FEATURES, SPANS
from scriptorium.tasks.marks import marked
from scriptorium.tasks.splits import SPLITS

SCALE = 100  # the largest prepared measure of the training words (tasks/min_max.py)


def revealed(data: Path, of: str) -> pd.DataFrame:
    """The words of all texts of a prepared task, with the columns of results/annotations/<task>.parquet.

    data: folder of the prepared splits. Scores are in FEATURES' order; n_fix_predicted is NaN, for nothing is
    predicted.
    """
    table = pd.concat([pd.read_parquet(data / f"{name}.parquet") for name in SPLITS])
    values: dict[str, list[np.ndarray]] = {}
    for text, label in zip(table["text"], table["label"], strict=True):
        values.setdefault(text, []).append(_marks(text) if of == "marks" else _measures(label))
    texts = sorted(values, key=text_key)
    spans = [word_spans(text) for text in texts]
    counts = [len(own) for own in spans]
    number = np.concatenate([np.arange(count, dtype=np.int32) for count in counts])
    value = np.concatenate([np.mean(values[text], axis=0) for text in texts]).astype(np.float32)
    start, end = np.concatenate(spans).astype(np.int32).T
    return pd.DataFrame(
        {
            "text_key": np.repeat([text_key(text) for text in texts], counts),
            "word_index": number,
            "word": [word for text in texts for word in text.split()],
            "start": start,
            "end": end,
            **dict.fromkeys(FEATURES, np.float32(1)),
            **dict.fromkeys(SPANS, number),
            "readability": np.float32(0),
            **dict.fromkeys((f"score_{name}" for name in FEATURES), value),
            "n_fix_predicted": np.nan,
        }
    )


def _marks(text: str) -> np.ndarray:
    return np.eye(len(text.split()))[marked(text)]


def _measures(label: Sequence[Sequence[float]]) -> np.ndarray:
    return np.array([word[0] for word in label]) / SCALE
