"""A class of a text, or of a pair of texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.tasks.kind import TaskKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scriptorium.tasks.labelled import Labelled
    from scriptorium.tasks.spec import TaskInput


class Classification(TaskKind):
    """labels: the classes. A raw label is a class's name, a prepared one its number."""

    metrics = ("accuracy", "error", "f1", "mcc")
    errors = ("error",)
    plugged_head = "sequence"

    def labels_fault(self, labels: Sequence[str]) -> str:
        return "a classification task needs at least two labels" if len(labels) < 2 else ""

    def strata(self, raw: pd.DataFrame) -> list[str]:
        return list(raw["label"])

    def numbered(self, label: pd.Series, labels: Sequence[str]) -> pd.Series:
        return label.map({name: number for number, name in enumerate(labels)}).astype("int64")

    def counts(self, split: str, label: pd.Series) -> dict[str, float]:
        shares = label.value_counts(normalize=True).sort_index()
        return {f"share/{split}/{name}": share for name, share in shares.items()}

    def baselines(self, train: pd.DataFrame, test: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        from scriptorium.tasks.word_overlap import overlap_baseline

        found = {"majority_accuracy": float((test["label"] == train["label"].mode()[0]).mean())}
        if train["text_b"].notna().all() and test["text_b"].notna().all():
            found["word_overlap_accuracy"] = overlap_baseline(train, test)
        return found

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        from scriptorium.tasks.prepared import read_texts

        wanted = f"one of 0..{len(labels) - 1} ({', '.join(labels)})"
        return read_texts(path, lambda label: label.isin(range(len(labels))), wanted).astype({"label": "int64"})

    def model_class(self) -> type:
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification

    def head_settings(self, labels: Sequence[str]) -> dict[str, Any]:
        from scriptorium.tasks.outputs import named_outputs

        return named_outputs(labels) | {"problem_type": "single_label_classification"}

    def predicted(
        self, data: Labelled, outputs: np.ndarray, labels: np.ndarray, settings: TaskInput, fitted: None
    ) -> pd.DataFrame:
        """outputs: logits [n, classes]. Also probability_<class>."""
        from scriptorium.evaluation.classification import probabilities

        made = data.table[["id", "label"]].assign(prediction=outputs.argmax(axis=-1))
        for name, column in zip(settings.labels, probabilities(outputs).T, strict=True):
            made[f"probability_{name}"] = column
        return made

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        from scriptorium.evaluation.classification import confusion

        return confusion(predicted["label"].to_numpy(), predicted["prediction"].to_numpy(), len(labels))

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        from scriptorium.evaluation.classification import from_confusion

        return from_confusion(sums)

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        import numpy as np

        from scriptorium.evaluation.classification import log_odds

        columns = [f"probability_{name}" for name in labels]
        of_a, of_b = (log_odds(made[columns].to_numpy(), made["label"].to_numpy()) for made in (a, b))
        return float(np.mean(np.abs(of_a - of_b)))


KIND = Classification()
