"""Labelled examples as tensors: word pieces, and for every piece the cognition of its word (docs/papers/cogbert.md
section 5.4).

The rules are ours, since the released code lacks the file that held them: every piece of a word gets the word's
score; [CLS], [SEP] and padding get none; the texts of a pair are annotated apart, so no span reaches over both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
import transformers
from torch import Tensor
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.linguistics.align import piece_words, word_spans
from scriptorium.text.plain import stand_in

IGNORED = -100  # label of pieces that are not scored: specials, padding, and all but the first piece of a word

if TYPE_CHECKING:
    import tokenizers

    from scriptorium.cognition.words import Words


class Examples(Dataset):
    """One split, tokenised; with `words`, also the cognition of every piece.

    Indexed by a number or by (epoch, number), the epoch having no influence. `lengths` are pieces per example, by
    which batches of similar length can be made. `truncated` counts examples that were cut to `max_length`, and
    `words_cut` the labelled words that are lost by it; `words_unknown` those that the tokenizer deletes.

    Where every word has a label, `labels` are [pieces] or [pieces, measures]: a word's label stands at its first
    piece, IGNORED everywhere else (Devlin et al. 2019; docs/papers/cogbert.md section 8.3).
    """

    def __init__(
        self,
        table: pd.DataFrame,
        tokenizer: transformers.PreTrainedTokenizerFast,
        max_length: int,
        words: Words | None = None,
    ):
        require_fast(tokenizer)
        self.table, self.words, self.max_length = table, words, max_length
        columns = [list(table[name]) for name in ("text", "text_b") if not table[name].isna().any()]
        self.texts = list(zip(*columns, strict=True))
        self._encoded = tokenizer(*columns, truncation=True, max_length=max_length).encodings
        self._uses_types = "token_type_ids" in tokenizer.model_input_names
        self.words_cut = self.words_unknown = 0
        self._labels: list = list(table["label"])
        labels_words = table["label"].dtype == object
        if labels_words:
            self._keep_words(list(table["text"]), tokenizer)
        self.lengths = np.array([len(encoding.ids) for encoding in self._encoded])
        self.truncated = sum(bool(encoding.overflowing) for encoding in self._encoded)
        if labels_words:
            self._labels = [
                self._by_piece(*row) for row in zip(table["text"], self._labels, self._encoded, strict=True)
            ]
        if words is not None:
            words.require(text for texts in self.texts for text in texts)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, Tensor]:
        index = key[1] if isinstance(key, tuple) else key
        encoding = self._encoded[index]
        example = tensors(encoding, self._uses_types)
        if self.words is not None:
            features = self.words.of_pieces(self.texts[index], encoding.offsets, encoding.sequence_ids)
            example |= {name: torch.from_numpy(values) for name, values in features.items()}
        example["labels"] = torch.tensor(self._labels[index])
        return example

    def notes(self, split: str) -> Iterator[str]:
        """What the reader of a journal should know."""
        if self.truncated:
            yield f"{self.truncated} of {len(self)} {split} examples were cut to {self.max_length} pieces"
        if self.words_cut:
            yield f"{self.words_cut} words of {split} were cut off and are not scored"
        if self.words_unknown:
            yield f"{self.words_unknown} words of {split}, which the tokenizer deletes, are read as unknown words"

    def collate(self, pad_id: int, multiple: int = 1) -> Callable[[list[dict[str, Tensor]]], dict[str, Tensor]]:
        """Makes a batch of examples: see `collate` below."""
        return collate(pad_id, multiple)

    def _keep_words(self, texts: list[str], tokenizer: transformers.PreTrainedTokenizerFast) -> None:
        """Give what the tokenizer deletes (invisible characters alone) an unknown letter for each of its characters.

        So every word has a piece and a label, places in the text stay what they are, and a test set stays whole (ours;
        the paper's data have no such words, and XTREME's script gives them the unknown piece, too).
        """
        unknown = stand_in(tokenizer)
        for number, text in enumerate(texts):
            spans, _, _, missing = _words_of(text, self._encoded[number])
            if not len(missing):
                continue
            letters = list(text)
            for start, end in spans[missing]:
                letters[start:end] = unknown * int(end - start)
            kept = tokenizer(["".join(letters)], truncation=True, max_length=self.max_length)
            (self._encoded[number],) = kept.encodings
            self.words_unknown += int(np.isin(missing, _words_of(text, self._encoded[number])[1]).sum())

    def _by_piece(self, text: str, label: np.ndarray, encoding: tokenizers.Encoding) -> np.ndarray:
        """Labels of words [words, ...] as labels of pieces [pieces, ...]; words behind the cut have none."""
        spans, words, places, missing = _words_of(text, encoding)
        if len(missing):
            lost = ", ".join(repr(text[start:end]) for start, end in spans[missing][:5])
            raise UserError(
                f"words without a piece of their own: {lost}",
                where=f"text {text!r}",
                remedy="use a backbone whose tokenizer has an unknown token",
            )
        self.words_cut += len(spans) - len(words)
        labels = np.full((len(encoding.ids), *label.shape[1:]), IGNORED, label.dtype)
        labels[places] = label[words]
        return labels


def _words_of(text: str, encoding: tokenizers.Encoding) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Spans of a text's words; those that have a piece, and its place; those before the cut that have none."""
    spans = word_spans(text)
    words, places = np.unique(piece_words(encoding.offsets, spans), return_index=True)
    words, places = words[words >= 0], places[words >= 0]
    expected = (int(words[-1]) + 1 if len(words) else 0) if encoding.overflowing else len(spans)
    return spans, words, places, np.setdiff1d(np.arange(expected), words)


def tensors(encoding: tokenizers.Encoding, types: bool) -> dict[str, Tensor]:
    """input_ids [L] and, where the tokenizer tells the texts of a pair apart, token_type_ids [L]."""
    made = {"input_ids": torch.tensor(encoding.ids)}
    return {**made, "token_type_ids": torch.tensor(encoding.type_ids)} if types else made


def cut(texts: list[str], tokenizer: transformers.PreTrainedTokenizerFast, pieces: int) -> tuple[list[str], int]:
    """Texts of at most so many pieces, each the beginning of its original; and how many were longer."""
    require_fast(tokenizer)
    encoded = tokenizer(texts, add_special_tokens=False).encodings
    long = [len(encoding.ids) > pieces for encoding in encoded]
    kept = [
        text[: encoding.offsets[pieces - 1][1]] if over else text
        for text, encoding, over in zip(texts, encoded, long, strict=True)
    ]
    return kept, sum(long)


def require_fast(tokenizer: transformers.PreTrainedTokenizerBase) -> None:
    """Raises UserError for a tokenizer that cannot say where its pieces stand in the text."""
    if not tokenizer.is_fast:
        raise UserError(
            "the tokenizer gives no character offsets",
            where=tokenizer.name_or_path,
            remedy="use a backbone with a tokenizer.json",
        )


def require_room(needed: int, max_length: int, setting: str) -> None:
    """Raises UserError where question or option and special tokens, `needed` pieces, leave none for the passage."""
    if needed >= max_length:
        raise UserError(
            f"max_length {max_length} leaves no room for the passage beside the {needed} pieces of the "
            "longest question or option and the special tokens",
            where=f"max_length and {setting} of the task",
            remedy=f"raise max_length, or lower {setting}",
        )


def shortest_first(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by their number of characters, so that batches in order hold little padding; the index stays the row's."""
    characters = table["text"].str.len() + table["text_b"].fillna("").str.len()
    return table.loc[characters.sort_values(kind="stable").index]


def collate(pad_id: int, multiple: int = 1) -> Callable[[list[dict[str, Tensor]]], dict[str, Tensor]]:
    """Makes a batch of examples, padded to the longest, rounded up to a multiple.

    input_ids, attention_mask, token_type_ids, labels; and with cognition lower, upper_scores, upper_spans [B, 4, L]
    (padding: 0, 0, -1) and readability [B]. labels are [B], or [B, L] or [B, L, measures] with IGNORED as padding.
    """
    filler = {"input_ids": pad_id, "upper_spans": -1, "n_fix": float("nan")}

    def batch(examples: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        lengths = torch.tensor([len(example["input_ids"]) for example in examples])
        width = -(-int(lengths.max()) // multiple) * multiple
        padded: dict[str, Tensor] = {"attention_mask": (torch.arange(width) < lengths[:, None]).long()}
        for name, first in examples[0].items():
            values = [example[name] for example in examples]
            if first.ndim == 0:
                padded[name] = torch.stack(values)
            elif name == "labels":
                padded[name] = torch.nn.utils.rnn.pad_sequence(
                    [*values, first.new_empty(width, *first.shape[1:])], batch_first=True, padding_value=IGNORED
                )[:-1]
            else:
                rows = [torch.nn.functional.pad(v, (0, width - v.shape[-1]), value=filler.get(name, 0)) for v in values]
                padded[name] = torch.stack(rows)
        return padded

    return batch
