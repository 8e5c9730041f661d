"""What a kind of task is: everything that differs between a class per text and, say, a span of a passage.

A kind is one module of tasks/kinds/ with one object `KIND`, a subclass of TaskKind. Those who prepare data, fine-tune,
measure and tabulate ask this object and never for its name, so a new kind is a new file and a name in tasks/spec.py.

Nothing heavy is imported here or at the top of a kind, since the objects also answer while the DAG is built: which
labels are right, which metrics there are.

Tables of a task, in the order in which they are made:
- raw: what a reader of tasks/readers gives, id str, text str, text_b str or None, label, split;
- prepared: {train,validation,test}.parquet with id, text, text_b, label as a number or numbers;
- predicted: predictions.parquet of a fine-tuning run with id, label, prediction, and what the kind adds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium import named

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import transformers
    from torch import Tensor, nn

    from scriptorium.cognition.words import Words
    from scriptorium.tasks.labelled import Labelled
    from scriptorium.tasks.spec import TaskInput

    Outputs = np.ndarray | tuple[np.ndarray, ...]

PACKAGE = "scriptorium.tasks.kinds"


@dataclass(frozen=True)
class OfPredictions:
    """A metric that is no function of sums: of labels and predictions, [n] each."""

    function: Callable[[np.ndarray, np.ndarray], float]
    left_out: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None  # [n], without each; else computed anew


def kind_of(name: str) -> TaskKind:
    """The kind of this name."""
    return named.load(PACKAGE, name).KIND


class TaskKind:
    """The defaults are those of one label per text; a kind states what is different."""

    # What tables can show, and papers print
    metrics: tuple[str, ...] = ()  # names without test/
    default_metric: str = "accuracy"
    metric_per_label: str = ""  # beginning of the names of metrics that exist once for each label, such as mae_
    errors: tuple[str, ...] = ()  # beginnings of the names of metrics of which the lower is the better
    figures: tuple[str, ...] = ()  # of a study, beside those that every kind has

    # What it can be used with
    takes_cognition: bool = True  # cognition or the gaze loss
    takes_languages: bool = True  # every metric can be had of each language by itself
    plugged_head: str = ""  # of models/plug_in, for VECO with a translation beside each text; empty: there is none
    reveals: str = ""  # what features of words can be given of the labels, as a positive control (stages/reveal.py)
    labels_words: bool = False  # every word has a label, not the text
    repeated_texts_are_data: bool = False  # else equal texts are one example
    more_columns: tuple[str, ...] = ()  # of the prepared tables

    # Asked while the DAG is built

    def labels_fault(self, labels: Sequence[str]) -> str:
        """What is wrong with a task's labels, as the end of a sentence; empty if nothing is."""
        return ""

    def shown(self, labels: Sequence[str]) -> tuple[str, ...]:
        """The metrics that tables can show of a task with these labels, as test/<metric>."""
        single = [f"{self.metric_per_label}{label}" for label in labels] if self.metric_per_label else []
        return tuple(f"test/{name}" for name in (*self.metrics, *single))

    def lower_is_better(self, metric: str) -> bool:
        """Whether a metric is an error; its name with or without test/."""
        return metric.removeprefix("test/").startswith(self.errors)

    # Asked while data are prepared

    def scale(
        self, splits: dict[str, pd.DataFrame], labels: Sequence[str], out: Path
    ) -> tuple[dict[str, pd.DataFrame], list[Path]]:
        """The raw splits, changed by what is fitted on train; and the files in `out` that say how."""
        return splits, []

    def strata(self, raw: pd.DataFrame) -> list[str]:
        """What has the same shares in every split, one for each example."""
        return [""] * len(raw)

    def numbered(self, label: pd.Series, labels: Sequence[str]) -> pd.Series:
        """Raw labels as prepared ones."""
        return label

    def counts(self, split: str, label: pd.Series) -> dict[str, float]:
        """What the journal says of a split's raw labels, as <quantity>/<split>."""
        return {}

    def baselines(self, train: pd.DataFrame, test: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        """What predictors reach on test that understand nothing, as <baseline> or <baseline>/<metric>; raw splits."""
        return {}

    # Asked while a model is fine-tuned

    def read(self, path: Path, labels: Sequence[str]) -> pd.DataFrame:
        """A prepared split. Raises UserError, naming the example, for a label outside its set."""
        raise NotImplementedError

    def data_set(
        self,
        prepared: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        settings: TaskInput,
        words: Words | None,
    ) -> Labelled:
        """A prepared split as inputs of a model; words: the annotations, where cognition or the gaze loss is used."""
        from scriptorium.tasks.examples import Examples

        return Examples(prepared, tokenizer, settings.max_length, words)

    def beside(
        self,
        own: Labelled,
        translations: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        settings: TaskInput,
    ) -> Labelled:
        """The other sides of `own`, one for each of its inputs, where VECO is plugged in. translations: text, text_b
        and label of those of `own.table`, in its order."""
        from scriptorium.tasks.examples import Examples

        return Examples(translations, tokenizer, settings.max_length)

    def model_class(self) -> type:
        """The class of transformers, such as AutoModelForSequenceClassification, that adds this kind's head."""
        raise NotImplementedError

    def head_settings(self, labels: Sequence[str]) -> dict[str, Any]:
        """Fields of the model's configuration that describe the head."""
        return {}

    def fit(self, label: pd.Series, settings: TaskInput) -> Any:
        """What the kind must know of the prepared labels of train and of the settings beside the model; handed on to
        the methods below."""
        return None

    def loss(self, fitted: Any) -> Callable[[Any, Tensor], Tensor] | None:
        """loss(outputs, labels) where that of the class of transformers is not right."""
        return None

    def predicted(
        self, data: Labelled, outputs: Outputs, labels: np.ndarray, settings: TaskInput, fitted: Any
    ) -> pd.DataFrame:
        """One row per example with at least id, label and prediction, indexed as `data.table`.

        outputs, labels: what the model gave and should have given for every input of `data`, padded to one length.
        """
        raise NotImplementedError

    def chosen(self, fitted: Any, validation: dict[str, float]) -> Any:
        """What replaces `fitted` on test, where something is chosen by the metrics of validation."""
        return fitted

    def fold(self, fitted: Any, model: nn.Module) -> None:
        """Change a trained model so that its outputs are predictions by themselves, before it is saved."""

    # Asked for metrics and tables

    def totals(self, predicted: pd.DataFrame, labels: Sequence[str]) -> np.ndarray:
        """What each example adds to the sums of which the metrics are made, [examples, k]."""
        raise NotImplementedError

    def from_totals(self, sums: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
        """Metrics (without test/) of summed totals [..., k], each [...]."""
        raise NotImplementedError

    def not_of_totals(self) -> dict[str, OfPredictions]:
        """Metrics that are no function of sums."""
        return {}

    def changed(self, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
        """Whether each prediction of two tables of one test set differs, [predictions] (of words, where words have
        labels)."""
        return (a["prediction"] != b["prediction"]).to_numpy()

    def shift(self, a: pd.DataFrame, b: pd.DataFrame, labels: Sequence[str]) -> float:
        """Mean absolute difference of what predictions are made from, here of the log-odds of the right label (nats);
        nan for a kind that does not store it."""
        return float("nan")

    def measured(self, predicted: pd.DataFrame, labels: Sequence[str]) -> dict[str, float]:
        """All metrics of a table of predictions, names without test/."""
        found = dict(self.from_totals(self.totals(predicted, labels).sum(axis=0), labels))
        for name, whole in self.not_of_totals().items():
            found[name] = whole.function(predicted["label"].to_numpy(), predicted["prediction"].to_numpy())
        return {name: float(value) for name, value in found.items()}
