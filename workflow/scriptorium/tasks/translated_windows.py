"""What stands beside each window of a passage where VECO is plugged in: the translated question, and the part of the
translated passage that lies where the window does (ours: the paper does not say how long passages are plugged in)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import transformers
from torch import Tensor
from torch.utils.data import Dataset

from scriptorium.tasks.examples import collate, cut, require_room, tensors
from scriptorium.tasks.spec import AnswerSpec
from scriptorium.tasks.windows import Windows


class TranslatedWindows(Dataset):
    """`[CLS] question [SEP] part of the passage [SEP]` in the other language, one for each window of `windows`.

    A translated passage that fits beside its question is there as a whole. Of a longer one the part is as long as fits,
    and as far through the passage as the window is through its own, for translations keep the order of what they say:
    the first window stands beside the beginning, the last one beside the end. `parts` counts those with a part alone.
    """

    def __init__(
        self,
        windows: Windows,
        translations: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        max_length: int,
        spec: AnswerSpec,
    ):
        questions, self.cut = cut(list(translations["text"]), tokenizer, spec.question_length)
        passages = list(translations["text_b"])
        asked = [len(one.ids) for one in tokenizer(questions, add_special_tokens=False).encodings]
        places = [one.offsets for one in tokenizer(passages, add_special_tokens=False).encodings]
        specials = tokenizer.num_special_tokens_to_add(pair=True)
        require_room(max(asked) + specials, max_length, "answers.question_length")
        self.parts = 0
        sides: list[tuple[str, str]] = []
        for row, progress in zip(windows.example, windows.progress(), strict=True):
            start, stop = part(len(places[row]), max_length - specials - asked[row], progress)
            self.parts += stop - start < len(places[row])
            text = passages[row][places[row][start][0] : places[row][stop - 1][1]] if stop else passages[row]
            sides.append((questions[row], text))
        self._encoded = tokenizer(sides, truncation="only_second", max_length=max_length).encodings
        self._uses_types = "token_type_ids" in tokenizer.model_input_names

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Tensor]:
        return tensors(self._encoded[key[1] if isinstance(key, tuple) else key], self._uses_types)

    def notes(self, split: str) -> Iterator[str]:
        """What the reader of a journal should know."""
        if self.cut:
            yield f"{self.cut} questions of {split} were cut"
        if self.parts:
            yield f"{self.parts} of {len(self)} windows of {split} stand beside a part of the passage"

    def collate(self, pad_id: int, multiple: int = 1) -> Callable[[list[dict[str, Tensor]]], dict[str, Tensor]]:
        """Makes a batch: input_ids, attention_mask [, token_type_ids] [B, L]."""
        return collate(pad_id, multiple)


def part(pieces: int, room: int, progress: float) -> tuple[int, int]:
    """From and to which of so many pieces: all that fit into `room`, with the first at progress 0, the last at 1."""
    size = min(pieces, room)
    start = round(progress * (pieces - size))
    return start, start + size
