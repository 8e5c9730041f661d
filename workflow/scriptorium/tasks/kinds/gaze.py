"""Measures of every word, of eyes or brains (Hollenstein et al. 2021; docs/papers/cogbert.md section 8.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.tasks.kind import TaskKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import Tensor, nn

    from scriptorium.tasks.labelled import Labelled
    from scriptorium.tasks.spec import TaskInput
    from scriptorium.tasks.standardisation import Standardisation


class Gaze(TaskKind):
    """labels: the measures. A raw label is a tuple of one tuple of numbers per word; a prepared one, [words, measures],
    has every measure on a scale from 0 to 100, by the least and the largest value of train.
    """

    metrics = ("accuracy", "mae")
    metric_per_label = "mae_"
    errors = ("mae",)
    figures = ("reading",)
    takes_languages = False  # measures are scaled on train
    labels_words = True
    reveals = "measures"
    repeated_texts_are_data = True  # two readings of a sentence are data, and stay in one split

    def labels_fault(self, labels: Sequence[str]) -> str:
        return "" if labels else "a gaze task needs its measures"

    def scale(
        self, splits: dict[str, pd.DataFrame], labels: Sequence[str], out: Path
    ) -> tuple[dict[str, pd.DataFrame], list[Path]]:
        """scaler.json has the least and the largest value of train, by measure."""
        from scriptorium import manifest
        from scriptorium.tasks.min_max import fit_scaler, scaled

        scaler = fit_scaler(splits["train"]["label"], labels)
        made = {name: part.assign(label=scaled(part["label"], scaler)) for name, part in splits.items()}
        return made, [manifest.write_json(out / "scaler.json", scaler)]

    def numbered(self, label: pd.Series, labels: Sequence[str]) -> pd.Series:
        return label.map(list)

    def counts(self, split: str, label: pd.Series) -> dict[str, float]:
        return {f"words/{split}": int(label.map(len).sum())}

    def baselines(self, train: pd.DataFrame, test: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        from scriptorium.evaluation import word_measures

        return word_measures.baselines((train["text"], train["label"]), (test["text"], test["label"]), labels)

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        import numpy as np

        from scriptorium.tasks.prepared import read_words

        def measures(label: Sequence[Sequence[float]], words: int) -> np.ndarray | None:
            if len(label) != words or any(len(row) != len(labels) for row in label):
                return None
            found = np.array([list(row) for row in label], np.float32)
            return found if np.isfinite(found).all() else None

        return read_words(path, measures, f"{len(labels)} finite numbers ({', '.join(labels)})")

    def model_class(self) -> type:
        from transformers import AutoModelForTokenClassification

        return AutoModelForTokenClassification

    def head_settings(self, labels: Sequence[str]) -> dict[str, Any]:
        from scriptorium.tasks.outputs import named_outputs

        return named_outputs(labels)

    def fit(self, label: pd.Series, settings: TaskInput) -> Standardisation:
        from scriptorium.tasks.standardisation import Standardisation

        return Standardisation.of(label)

    def loss(self, fitted: Standardisation) -> Callable[[Any, Tensor], Tensor]:
        return fitted.loss

    def predicted(
        self, data: Labelled, outputs: np.ndarray, labels: np.ndarray, settings: TaskInput, fitted: Standardisation
    ) -> pd.DataFrame:
        """outputs: [n, L, measures] in standard units; labels [n, L, measures]. label and prediction are lists [words]
        of lists [measures].
        """
        from scriptorium.tasks.outputs import of_words

        return of_words(data.table, fitted.measured(outputs), labels)

    def fold(self, fitted: Standardisation, model: nn.Module) -> None:
        fitted.fold_into(getattr(model, "model", model).classifier)

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        from scriptorium.evaluation import word_measures

        return word_measures.totals(list(predicted["label"]), list(predicted["prediction"]))

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        from scriptorium.evaluation import word_measures

        return word_measures.from_totals(sums, labels)

    def changed(self, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
        """[words * measures]: moved by more than a tenth of the standard deviation of the measure's labels (ours)."""
        from scriptorium.evaluation.word_measures import stacked

        moved = abs(stacked(a["prediction"]) - stacked(b["prediction"]))
        return (moved > stacked(a["label"]).std(axis=0) / 10).ravel()

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        """On the scale of 0 to 100: there is no logit."""
        from scriptorium.evaluation.word_measures import stacked

        return float(abs(stacked(a["prediction"]) - stacked(b["prediction"])).mean())


KIND = Gaze()
