"""Questions and their passages as tensors: a passage longer than the input becomes several windows (Devlin 2019)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from torch import Tensor
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.tasks.examples import collate, cut, require_room
from scriptorium.tasks.prepared import read_columns
from scriptorium.tasks.spec import AnswerSpec


def read_answers(path: Path) -> pd.DataFrame:
    """id, text (question), text_b (passage), label (per example a list of (answer, place of its first character)).

    An empty list is a question without an answer. Raises UserError, naming the example, for an answer that does not
    stand at its place.
    """
    table = read_columns(path, "id", "text", "text_b", "label")
    table["label"] = [[(answer["text"], int(answer["start"])) for answer in row] for row in table["label"]]
    for row in table.itertuples():
        for answer, start in row.label:
            if not answer or row.text_b[start : start + len(answer)] != answer:
                raise UserError(
                    f"answer {answer!r} does not stand at character {start}",
                    where=f"{path}, id {row.id!r}",
                    remedy="prepare the task again",
                )
    return table


class Windows(Dataset):
    """`[CLS] question [SEP] window of the passage [SEP]`, indexed by window.

    labels of a window: [3] = first and last piece of the first answer, both 0 ([CLS]) where the window does not hold
    it whole, and the number of pieces (what lies behind is padding). `lengths` are pieces per window; `example` [w]
    is each window's row of `table`, ascending; `offsets` are its pieces' places in the passage, -1 at other pieces;
    `first_piece` [w] counts the pieces of the passage before the window.
    """

    def __init__(
        self, table: pd.DataFrame, tokenizer: transformers.PreTrainedTokenizerFast, max_length: int, spec: AnswerSpec
    ):
        self.table, self.passages = table, list(table["text_b"])
        questions, self.cut = cut(list(table["text"]), tokenizer, spec.question_length)
        self._uses_types = "token_type_ids" in tokenizer.model_input_names
        windows = sorted(_windows(questions, self.passages, tokenizer, max_length, spec.stride), key=lambda w: w[:2])
        self.example = np.array([row for row, *_ in windows])
        self.first_piece = np.array([number * spec.stride for _, number, *_ in windows])
        self._inputs = [inputs for *_, inputs, _ in windows]
        self.offsets = [offsets for *_, offsets in windows]
        self.lengths = np.array([inputs.shape[1] for inputs in self._inputs])
        answers = list(table["label"])
        self._labels = [
            (*_place(offsets, *(answers[row][0] if answers[row] else ("", 0))), length)
            for row, offsets, length in zip(self.example, self.offsets, self.lengths, strict=True)
        ]
        answered = {row for row, (_, last, _) in zip(self.example, self._labels, strict=True) if last}
        self.unreachable = sum(map(bool, answers)) - len(answered)

    def __len__(self) -> int:
        return len(self._inputs)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Tensor]:
        index = key[1] if isinstance(key, tuple) else key
        ids, types = torch.from_numpy(self._inputs[index]).long()
        example = {"input_ids": ids, "labels": torch.tensor(self._labels[index])}
        return {**example, "token_type_ids": types} if self._uses_types else example

    def progress(self) -> np.ndarray:
        """How far through its passage each window is [w]: 0 where it begins with it, 1 where it ends with it."""
        counts = np.array([(offsets[:, 0] >= 0).sum() for offsets in self.offsets])
        pieces = np.zeros(len(self.table), int)
        np.maximum.at(pieces, self.example, self.first_piece + counts)
        return self.first_piece / np.maximum(pieces[self.example] - counts, 1)

    def notes(self, split: str) -> Iterator[str]:
        """What the reader of a journal should know."""
        yield f"{split}: {len(self.table)} questions in {len(self)} windows"
        if self.cut:
            yield f"{self.cut} questions of {split} were cut"
        if self.unreachable:
            yield f"{self.unreachable} answers of {split} are whole in no window"

    def collate(self, pad_id: int, multiple: int = 1) -> Callable[[list[dict[str, Tensor]]], dict[str, Tensor]]:
        """Makes a batch of windows: input_ids, attention_mask [, token_type_ids] [B, L], labels [B, 3]."""
        pad = collate(pad_id, multiple)

        def batch(examples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
            labels = torch.stack([example["labels"] for example in examples])
            inputs = [{k: v for k, v in example.items() if k != "labels"} for example in examples]
            return {**pad(inputs), "labels": labels}

        return batch


def _windows(
    questions: list[str],
    passages: list[str],
    tokenizer: transformers.PreTrainedTokenizerFast,
    max_length: int,
    stride: int,
) -> Iterator[tuple]:
    """(example, number of the window, ids and types [2, L], offsets [L, 2]): small arrays, for there may be 100,000.

    As in BERT, a window begins `stride` pieces after the one before. The tokenizer wants the overlap instead, which
    follows from the question's length: so, one call per length.
    """
    specials = tokenizer.num_special_tokens_to_add(pair=True)
    lengths = np.array([len(e.ids) for e in tokenizer(questions, add_special_tokens=False).encodings])
    require_room(int(lengths.max()) + specials, max_length, "answers.question_length")
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        room = max_length - int(length) - specials
        if stride > room:
            raise UserError(
                f"a stride of {stride} pieces would skip text: beside a question of {length}, a window holds {room}",
                where="answers.stride of the task",
                remedy="lower answers.stride, or raise max_length",
            )
        made = tokenizer(
            [questions[row] for row in rows],
            [passages[row] for row in rows],
            truncation="only_second",
            max_length=max_length,
            stride=room - stride,
            return_overflowing_tokens=True,
        )
        before, number = -1, 0
        for sample, encoding in zip(made["overflow_to_sample_mapping"], made.encodings, strict=True):
            number = number + 1 if sample == before else 0
            before = sample
            inputs = np.array([encoding.ids, encoding.type_ids], np.int32)
            offsets = np.array(encoding.offsets, np.int32)
            offsets[np.not_equal(encoding.sequence_ids, 1)] = -1
            yield int(rows[sample]), number, inputs, offsets


def _place(offsets: np.ndarray, answer: str, start: int) -> tuple[int, int]:
    """First and last piece of an answer in a window, (0, 0) unless all of it is there. offsets: [L, 2]."""
    end = start + len(answer)
    inside = np.flatnonzero((offsets[:, 0] < end) & (offsets[:, 1] > start) & (offsets[:, 0] >= 0))
    passage = np.flatnonzero(offsets[:, 0] >= 0)
    if not answer or not len(inside) or offsets[passage[0], 0] > start or offsets[passage[-1], 1] < end:
        return 0, 0
    return int(inside[0]), int(inside[-1])
