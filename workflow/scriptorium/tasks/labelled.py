"""Which file format and which data set belong to a kind of task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import transformers

from scriptorium.cognition.words import Words
from scriptorium.tasks.kinds.choices import Choices, read_choices
from scriptorium.tasks.kinds.examples import Examples, read_split
from scriptorium.tasks.kinds.windows import Windows, read_answers

if TYPE_CHECKING:
    from scriptorium.tasks.spec import FinetuneSpec

Labelled = Examples | Windows | Choices  # all have table, lengths, notes(split) and collate(pad_id, multiple)


def read(spec: FinetuneSpec, path: Path) -> pd.DataFrame:
    """One split of a prepared task, checked; see the readers for its columns."""
    if spec.kind == "question_answering":
        return read_answers(path)
    if spec.kind == "multiple_choice":
        return read_choices(path, spec.labels)
    return read_split(path, spec.labels, spec.kind)


def tokenised(
    spec: FinetuneSpec, table: pd.DataFrame, tokenizer: transformers.PreTrainedTokenizerFast, words: Words | None
) -> Labelled:
    """The split as a data set."""
    if spec.kind == "question_answering":
        return Windows(table, tokenizer, spec.max_length, spec.answers)
    if spec.kind == "multiple_choice":
        return Choices(table, tokenizer, spec.max_length, spec.option_length)
    return Examples(table, tokenizer, spec.max_length, words)
