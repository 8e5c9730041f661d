"""Questions with options as tensors: one input per option (RACE)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from torch import Tensor
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.tasks.examples import collate, cut, require_room, tensors
from scriptorium.tasks.prepared import read_columns

GAP = re.compile(r"(?<!\w)_+|_+(?!\w)")


def read_choices(path: Path, parts: Sequence[str]) -> pd.DataFrame:
    """id, text (passage), text_b (question), label (number of the right option), options (list), part.

    Raises UserError, naming the example: fewer than two options, a label that is none of them, an unknown part.
    """
    table = read_columns(path, "id", "text", "text_b", "label", "options", "part")
    table["options"] = [list(row) for row in table["options"]]
    for row in table.itertuples():
        wrong = None
        if len(row.options) < 2 or not 0 <= row.label < len(row.options):
            wrong = f"label {row.label} is not one of at least two options (here {len(row.options)})"
        elif parts and row.part not in parts:
            wrong = f"part {row.part!r} is not one of {', '.join(parts)}"
        if wrong:
            raise UserError(wrong, where=f"{path}, id {row.id!r}", remedy="prepare the task again")
    return table


def stated(question: str, option: str) -> str:
    """The question with its option: in the gap that it has, or behind it (as the public recipes read RACE).

    A gap is "_" or a longer line of them; one inside a name, as in max_length, is none (ours).
    """
    filled, gaps = GAP.subn(lambda _: option, question)
    return filled if gaps else f"{question} {option}"


class Choices(Dataset):
    """One input per option, `[CLS] passage [SEP] question with the option [SEP]`; the passage is cut first.

    Indexed by example: options (a list of inputs) and labels [2] = the right option and how many there are. `lengths`
    are the pieces of the longest option's input.
    """

    def __init__(
        self, table: pd.DataFrame, tokenizer: transformers.PreTrainedTokenizerFast, max_length: int, option_length: int
    ):
        self.table = table
        rows = list(zip(table["text"], table["text_b"], table["options"], strict=True))
        passages = [passage for passage, _, options in rows for _ in options]
        asked = [stated(question, option) for _, question, options in rows for option in options]
        asked, self.cut = cut(asked, tokenizer, option_length)
        longest = max(len(e.ids) for e in tokenizer(asked, add_special_tokens=False).encodings)
        require_room(longest + tokenizer.num_special_tokens_to_add(pair=True), max_length, "option_length")
        encoded = tokenizer(passages, asked, truncation="only_first", max_length=max_length).encodings
        self._uses_types = "token_type_ids" in tokenizer.model_input_names
        ends = np.cumsum([len(options) for *_, options in rows])
        self._encoded = [encoded[end - len(options) : end] for end, (*_, options) in zip(ends, rows, strict=True)]
        self._labels = [(int(label), len(own)) for label, own in zip(table["label"], self._encoded, strict=True)]
        self.lengths = np.array([max(len(encoding.ids) for encoding in own) for own in self._encoded])
        self.truncated = sum(any(encoding.overflowing for encoding in own) for own in self._encoded)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, key: int | tuple[int, int]) -> dict:
        index = key[1] if isinstance(key, tuple) else key
        options = [tensors(encoding, self._uses_types) for encoding in self._encoded[index]]
        return {"options": options, "labels": torch.tensor(self._labels[index])}

    def notes(self, split: str) -> Iterator[str]:
        """What the reader of a journal should know."""
        if self.truncated:
            yield f"the passage of {self.truncated} of {len(self)} {split} examples was cut"
        if self.cut:
            yield f"{self.cut} options of {split}, with their questions, were cut"

    def collate(self, pad_id: int, multiple: int = 1) -> Callable[[list[dict]], dict[str, Tensor]]:
        """Makes a batch: input_ids, attention_mask [, token_type_ids] [B, options, L], labels [B, 2].

        Where an example has fewer options than another, its first stands in for the missing ones; loss and measures
        leave these out, by the number in labels.
        """
        pad = collate(pad_id, multiple)

        def batch(examples: list[dict]) -> dict[str, Tensor]:
            most = max(len(example["options"]) for example in examples)
            rows = []
            for example in examples:
                rows += example["options"] + [example["options"][0]] * (most - len(example["options"]))
            inputs = {name: value.view(len(examples), most, -1) for name, value in pad(rows).items()}
            return {**inputs, "labels": torch.stack([example["labels"] for example in examples])}

        return batch
