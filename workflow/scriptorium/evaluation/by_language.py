"""Metrics of a task in several languages: each language by itself, and their plain mean (XTREME's rule).

The mean is over languages, not over examples, so a language with many examples counts no more than others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from scriptorium.tasks.kind import TaskKind

LANGUAGE = "language"


def kept(predicted: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Predictions with the language of each, where the split's table has them."""
    return predicted.assign(language=table[LANGUAGE]) if LANGUAGE in table else predicted


def measured(kind: TaskKind, predicted: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
    """All metrics of a table of predictions, names without test/.

    With a column `language` <metric>/<language> of each, and <metric>, their mean. What is no metric of a language,
    such as the best threshold of all questions, is that of all examples together.
    """
    if LANGUAGE not in predicted:
        return kind.measured(predicted, labels)
    single = {own: kind.measured(part, labels) for own, part in predicted.groupby(LANGUAGE, sort=False)}
    found = kind.measured(predicted, labels) if len(single) > 1 else dict(next(iter(single.values())))
    for name in found:
        if all(name in values for values in single.values()) and not name.endswith("_threshold"):
            found[name] = sum(values[name] for values in single.values()) / len(single)
    return found | {f"{name}/{own}": value for own, values in single.items() for name, value in values.items()}
