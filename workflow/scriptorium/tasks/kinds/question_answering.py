"""A span of a passage that answers a question, or no answer (SQuAD)."""

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

    from scriptorium.tasks.spec import TaskInput
    from scriptorium.tasks.translated_windows import TranslatedWindows
    from scriptorium.tasks.windows import Windows


class QuestionAnswering(TaskKind):
    """No labels. text is the question, text_b the passage. A raw label is a tuple of (answer, place of its first
    character), a prepared one a list of {text, start}; empty: the question has no answer.
    """

    metrics = (
        "f1",
        "em",
        "f1_threshold_0",
        "em_threshold_0",
        "f1_has_answer",
        "em_has_answer",
        "f1_no_answer",
        "em_no_answer",
    )
    default_metric = "f1"
    takes_cognition = False
    plugged_head = "span"

    def labels_fault(self, labels: Sequence[str]) -> str:
        return "question answering has no labels; set labels: []" if labels else ""

    def numbered(self, label: pd.Series, labels: Sequence[str]) -> pd.Series:
        return label.map(lambda answers: [{"text": text, "start": start} for text, start in answers])

    def baselines(self, train: pd.DataFrame, test: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        unanswerable = test["label"].map(len) == 0
        return {"never_answer_em": float(unanswerable.mean())} if unanswerable.any() else {}

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        from scriptorium.tasks.windows import read_answers

        return read_answers(path)

    def data_set(
        self,
        prepared: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        settings: TaskInput,
        words: None,
    ) -> Windows:
        from scriptorium.tasks.windows import Windows

        return Windows(prepared, tokenizer, settings.max_length, settings.answers)

    def beside(
        self,
        own: Windows,
        translations: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        settings: TaskInput,
    ) -> TranslatedWindows:
        from scriptorium.tasks.translated_windows import TranslatedWindows

        return TranslatedWindows(own, translations, tokenizer, settings.max_length, settings.answers)

    def model_class(self) -> type:
        from transformers import AutoModelForQuestionAnswering

        return AutoModelForQuestionAnswering

    def head_settings(self, labels: Sequence[str]) -> dict[str, Any]:
        return {"num_labels": 2}  # beginning and end

    def fit(self, label: pd.Series, settings: TaskInput) -> float | None:
        """The threshold of "no answer": where a question may have none, validation is measured at 0."""
        return None if all(label) else 0.0

    def loss(self, fitted: float | None) -> Callable[[Any, Tensor], Tensor]:
        from scriptorium.tasks.losses import span_loss

        return span_loss

    def predicted(
        self,
        data: Windows,
        outputs: tuple[np.ndarray, np.ndarray],
        labels: np.ndarray,
        settings: TaskInput,
        fitted: float | None,
    ) -> pd.DataFrame:
        """outputs: logits of beginnings and of ends, [windows, L] each. See evaluation/question_answering.py."""
        from scriptorium.evaluation import question_answering
        from scriptorium.evaluation.answer_scorers import scorers_of
        from scriptorium.tasks.answer_spans import decode

        table = data.table
        spans, gaps = decode(data, *outputs, settings.answers)
        answers = [[text for text, _ in row] for row in table["label"]]
        scorers = scorers_of(
            settings.answers.scorer, list(table["language"]) if "language" in table else None, len(table)
        )
        made = question_answering.table_of_answers(table["id"], answers, spans, gaps, fitted, scorers)
        return made.set_index(table.index)

    def chosen(self, fitted: float | None, validation: dict[str, float]) -> float | None:
        """Test is measured at validation's best threshold."""
        return None if fitted is None else validation["best_f1_threshold"]

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        from scriptorium.evaluation import question_answering

        return question_answering.totals(predicted)

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        from scriptorium.evaluation import question_answering

        return question_answering.from_totals(sums)

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        """Of the gap between "no answer" and the best span, in logits."""
        import numpy as np

        moved = np.abs(a["gap"].to_numpy() - b["gap"].to_numpy())
        known = np.isfinite(moved)
        return float(moved[known].mean()) if known.any() else float("nan")

    def measured(self, predicted: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        from scriptorium.evaluation import question_answering

        return question_answering.measures(predicted)


KIND = QuestionAnswering()
