"""A number for a text, or for a pair of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.tasks.kind import OfPredictions, TaskKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import Tensor, nn

    from scriptorium.tasks.labelled import Labelled
    from scriptorium.tasks.spec import TaskInput


class Regression(TaskKind):
    """No labels: what is predicted has no names."""

    metrics = ("pearson", "spearman", "mse")
    default_metric = "spearman"
    errors = ("mse",)
    takes_languages = False  # ranks are no sums

    def labels_fault(self, labels: Sequence[str]) -> str:
        return "a regression task has no labels; set labels: []" if labels else ""

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        import numpy as np

        from scriptorium.tasks.prepared import read_texts

        return read_texts(path, np.isfinite, "a finite number").astype({"label": "float32"})

    def model_class(self) -> type:
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification

    def head_settings(self, labels: Sequence[str]) -> dict[str, Any]:
        return {"num_labels": 1, "problem_type": "regression"}

    def fit(self, label: pd.Series, settings: TaskInput) -> float | None:
        """The number that labels are divided by, or None."""
        return settings.scale

    def loss(self, fitted: float | None) -> Callable[[Any, Tensor], Tensor] | None:
        from scriptorium.tasks.losses import scaled_error

        return None if fitted is None else partial(scaled_error, scale=fitted)

    def predicted(
        self, data: Labelled, outputs: np.ndarray, labels: np.ndarray, settings: TaskInput, fitted: float | None
    ) -> pd.DataFrame:
        """outputs: [n, 1], of labels divided by `fitted` where there is one."""
        made = outputs[:, 0] if fitted is None else outputs[:, 0] * fitted
        return data.table[["id", "label"]].assign(prediction=made)

    def fold(self, fitted: float | None, model: nn.Module) -> None:
        if fitted is None:
            return
        import torch
        from torch import nn

        classifier = getattr(model, "model", model).classifier
        head = [module for module in classifier.modules() if isinstance(module, nn.Linear)][-1]
        with torch.no_grad():
            head.weight *= fitted
            head.bias *= fitted

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        from scriptorium.evaluation.classification import moments

        return moments(predicted["label"].to_numpy(), predicted["prediction"].to_numpy())

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        from scriptorium.evaluation.classification import from_moments

        return from_moments(sums)

    def not_of_totals(self) -> dict[str, OfPredictions]:
        from scriptorium.evaluation.classification import spearman
        from scriptorium.evaluation.rank_correlation import spearman_left_out

        return {"spearman": OfPredictions(spearman, spearman_left_out)}

    def changed(self, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
        """Moved by more than a tenth of the labels' standard deviation (ours)."""
        return ((a["prediction"] - b["prediction"]).abs() > a["label"].std() / 10).to_numpy()

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        """In the labels' own unit: there is no logit."""
        return float((a["prediction"] - b["prediction"]).abs().mean())


KIND = Regression()
