"""A tag of every word: chunks, entities."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.tasks.kind import TaskKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scriptorium.tasks.labelled import Labelled
    from scriptorium.tasks.spec import TaskInput


class Tagging(TaskKind):
    """labels: the tags, IOB2. A raw label is a tuple of one tag per word, a prepared one their numbers [words]."""

    metrics = ("f1", "precision", "recall", "accuracy")
    default_metric = "f1"
    plugged_head = "token"
    labels_words = True

    def labels_fault(self, labels: Sequence[str]) -> str:
        return "" if labels else "a tagging task needs its tags"

    def numbered(self, label: pd.Series, labels: Sequence[str]) -> pd.Series:
        import numpy as np

        place = {name: number for number, name in enumerate(labels)}
        return label.map(lambda tags: np.array([place[tag] for tag in tags], np.int64))

    def counts(self, split: str, label: pd.Series) -> dict[str, float]:
        return {f"words/{split}": int(label.map(len).sum())}

    def baselines(self, train: pd.DataFrame, test: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        """Every word gets its most frequent tag in train, an unknown one the most frequent of all (ours)."""
        from scriptorium.evaluation import tagging

        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for text, tags in zip(train["text"], train["label"], strict=True):
            for word, tag in zip(text.split(), tags, strict=True):
                counts[word][tag] += 1
        most = {word: own.most_common(1)[0][0] for word, own in counts.items()}
        everywhere = sum(counts.values(), Counter()).most_common(1)[0][0]
        place = {name: number for number, name in enumerate(labels)}
        true = [[place[tag] for tag in tags] for tags in test["label"]]
        guess = [[place[most.get(word, everywhere)] for word in text.split()] for text in test["text"]]
        return {f"word_majority/{name}": value for name, value in tagging.measures(true, guess, labels).items()}

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        import numpy as np

        from scriptorium.tasks.prepared import read_words

        def tags(label: Sequence[int], words: int) -> np.ndarray | None:
            found = np.asarray(label)
            right = found.shape == (words,) and np.isin(found, np.arange(len(labels))).all()
            return found.astype(np.int64) if right else None

        return read_words(path, tags, f"one of 0..{len(labels) - 1}")

    def model_class(self) -> type:
        from transformers import AutoModelForTokenClassification

        return AutoModelForTokenClassification

    def head_settings(self, labels: Sequence[str]) -> dict[str, Any]:
        from scriptorium.tasks.outputs import named_outputs

        return named_outputs(labels)

    def predicted(
        self, data: Labelled, outputs: np.ndarray, labels: np.ndarray, settings: TaskInput, fitted: None
    ) -> pd.DataFrame:
        """outputs: logits [n, L, tags]; labels [n, L]. label and prediction are lists of numbers of tags [words], and
        log_odds, of the right tag, of numbers (nats).
        """
        import numpy as np

        from scriptorium.evaluation.classification import log_odds, probabilities
        from scriptorium.tasks.outputs import of_words

        made = of_words(data.table, outputs.argmax(axis=-1), labels)
        right = np.maximum(labels, 0).ravel()  # where there is no label, anything: of_words leaves it out
        odds = log_odds(probabilities(outputs).reshape(len(right), -1), right).reshape(labels.shape)
        return made.assign(log_odds=of_words(data.table, odds.astype(np.float32), labels)["prediction"])

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        from scriptorium.evaluation import tagging

        return tagging.totals(list(predicted["label"]), list(predicted["prediction"]), labels)

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        from scriptorium.evaluation import tagging

        return tagging.from_totals(sums)

    def changed(self, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
        """[words]"""
        import numpy as np

        of_a, of_b = (np.concatenate(list(made["prediction"])) for made in (a, b))
        return of_a != of_b

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        import numpy as np

        of_a, of_b = (np.concatenate(list(made["log_odds"])) for made in (a, b))
        return float(np.mean(np.abs(of_a - of_b)))


KIND = Tagging()
