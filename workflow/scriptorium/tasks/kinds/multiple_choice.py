"""One of several options (RACE, COPA)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.tasks.kind import TaskKind

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import transformers
    from torch import Tensor

    from scriptorium.tasks.choices import Choices
    from scriptorium.tasks.spec import TaskInput


class MultipleChoice(TaskKind):
    """labels: the parts of the data whose accuracy is told apart, or none. text is the passage, text_b the question; a
    label is the number of the right option. Also options (texts) and part (str).
    """

    metrics = ("accuracy",)
    metric_per_label = "accuracy_"
    takes_cognition = False
    more_columns = ("options", "part")

    def baselines(self, train: pd.DataFrame, test: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        return {"chance_accuracy": float((1 / test["options"].map(len)).mean())}

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        from scriptorium.tasks.choices import read_choices

        return read_choices(path, labels)

    def data_set(
        self,
        prepared: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        settings: TaskInput,
        words: None,
    ) -> Choices:
        from scriptorium.tasks.choices import Choices

        return Choices(prepared, tokenizer, settings.max_length, settings.option_length)

    def model_class(self) -> type:
        from transformers import AutoModelForMultipleChoice

        return AutoModelForMultipleChoice

    def loss(self, fitted: None) -> Callable[[Any, Tensor], Tensor]:
        from scriptorium.tasks.losses import choice_loss

        return choice_loss

    def predicted(
        self, data: Choices, outputs: np.ndarray, labels: np.ndarray, settings: TaskInput, fitted: None
    ) -> pd.DataFrame:
        """outputs: logits [n, most options]; labels [n, 2]. See evaluation/multiple_choice.py."""
        from scriptorium.evaluation import multiple_choice

        return multiple_choice.table_of_choices(data.table, outputs, labels, settings.labels)

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        from scriptorium.evaluation import multiple_choice

        return multiple_choice.totals(predicted, labels)

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        from scriptorium.evaluation import multiple_choice

        return multiple_choice.from_totals(sums, labels)

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        import numpy as np

        from scriptorium.evaluation import multiple_choice

        return float(np.mean(np.abs(multiple_choice.log_odds_of_right(a) - multiple_choice.log_odds_of_right(b))))

    def measured(self, predicted: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        """Only of the parts that there are."""
        from scriptorium.evaluation import multiple_choice

        return multiple_choice.measures(predicted, labels)


KIND = MultipleChoice()
