"""T5, and the prefix language model on its body: text to text. A class is predicted by writing its name, and a number
by writing it.

The input is a task prefix with the text, or with both texts, each before the symbol that ends it, as in pre-training;
the target is the label's name and that symbol. Ours: the prediction is the label whose target is likeliest, so every
prediction is a label; whether greedy generation would write the right one stands beside it (`generated`).

A number is learned as the text of the nearest step of 0.2, as T5 does, and the prediction is what greedy generation
writes; a text that is none of them counts as -1, and `generated` says whether it is one. Ours: the steps are those from
-FARTHEST to FARTHEST, because labels of a task have no bounds of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scriptorium.errors import UserError
from scriptorium.tasks.body import Body
from scriptorium.tasks.kind import kind_of
from scriptorium.tasks.kinds.classification import Classification
from scriptorium.tasks.kinds.regression import Regression

STEPS = 5  # of 0.2 in 1
FARTHEST = 10

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import transformers

    from scriptorium.tasks.kind import TaskKind
    from scriptorium.tasks.spec import BodySpec, FinetuneSpec


class T5(Body):
    """Outputs are log-likelihoods [n, classes] of the labels' texts, and whether greedy generation writes each; or the
    numbers [n, 1] that it writes, and whether each is one [n]."""

    model_types = ("t5",)
    takes_prefix = True
    refused = "text to text predicts classes and numbers alone; take another backbone for other kinds of task"

    def takes(self, kind: str) -> bool:
        return isinstance(kind_of(kind), Classification | Regression)

    def reading(self, tokenizer: transformers.PreTrainedTokenizerFast) -> transformers.PreTrainedTokenizerFast:
        """Every text ends with the symbol that ends a text, and none begins with one, as in T5's pre-training."""
        from scriptorium.tasks import symbols

        own = symbols.without_types(tokenizer)
        if own("a").input_ids[0] in own.all_special_ids or own.num_special_tokens_to_add(pair=False) == 0:
            end = symbols.end_of(own)
            symbols.bracket(own, between=end, behind=end)
        return own

    def texts(self, prepared: pd.DataFrame, spec: BodySpec) -> pd.DataFrame:
        """Raises UserError for numbers that are too large to be written."""
        numbers = prepared.select_dtypes("floating").get("label", [])
        if far := [number for number in numbers if abs(number) > FARTHEST]:
            raise UserError(
                f"label {far[0]:g}: text to text writes numbers from -{FARTHEST} to {FARTHEST}",
                where=f"task {spec.prefix.strip(': ')}".strip(),
                remedy="divide the labels by a number, or take another backbone",
            )
        return prepared.assign(text=spec.prefix + prepared["text"])

    def check(self, config: transformers.PreTrainedConfig, backbone: Path) -> None:
        from scriptorium.tasks.symbols import require_start

        super().check(config, backbone)
        require_start(config, backbone)

    def model_class(self, kind: TaskKind) -> type:
        from scriptorium.models.tuned.t5 import LabelsAsText
        from scriptorium.models.tuned.t5_numbers import NumbersAsText

        return NumbersAsText if isinstance(kind, Regression) else LabelsAsText

    def settings(self, spec: FinetuneSpec, backbone: Path) -> dict[str, Any]:
        """label_pieces: the target of every label; or numbers, and number_pieces. Raises UserError for labels or
        numbers that have the same pieces, and for a task that is learned on another scale."""
        from transformers import AutoTokenizer

        from scriptorium.tasks import symbols
        from scriptorium.text.plain import as_text

        tokenizer = as_text(AutoTokenizer.from_pretrained(backbone, local_files_only=True, trust_remote_code=False))
        end = tokenizer.convert_tokens_to_ids(symbols.end_of(tokenizer))
        numbers = [step / STEPS for step in range(-FARTHEST * STEPS, FARTHEST * STEPS + 1)] if not spec.labels else []
        if numbers and spec.scale:
            raise UserError("scale: text to text writes labels as they are", remedy="take scale out of the task")
        texts = [f"{number:.1f}" for number in numbers] or spec.labels
        pieces = [[*tokenizer(text, add_special_tokens=False).input_ids, end] for text in texts]
        for number, own in enumerate(pieces):
            if (first := pieces.index(own)) < number:
                raise UserError(
                    f"labels {texts[first]!r} and {texts[number]!r} are the same pieces, "
                    f"{' '.join(tokenizer.convert_ids_to_tokens(own))}",
                    where=backbone,
                    remedy="rename a label of the task, or learn a vocabulary that knows its characters",
                )
        return {"numbers": numbers, "number_pieces": pieces} if numbers else {"label_pieces": pieces}

    def scores(self, outputs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return outputs[0]

    def more(self, predicted: pd.DataFrame, outputs: tuple[np.ndarray, np.ndarray]) -> pd.DataFrame:
        """generated: whether greedy generation writes the text of the right label, or a number at all."""
        if outputs[1].ndim == 1:
            return predicted.assign(generated=outputs[1])
        rows = range(len(predicted))
        return predicted.assign(generated=outputs[1][rows, predicted["label"].to_numpy()])

    def measures(self, predicted: pd.DataFrame) -> dict[str, float]:
        return {"generated": float(predicted["generated"].mean())}

    def backbone_class(self) -> type:
        from transformers import AutoModelForSeq2SeqLM

        return AutoModelForSeq2SeqLM


BODY = T5()
