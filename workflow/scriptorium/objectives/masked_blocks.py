"""The data path of masked language models, of BERT with and without next-sentence prediction and of RoBERTa.

Source: docs/papers/objectives.md section 1. Kept from BERT: 15% of the tokens are predicted, an exact number per block;
80% of them become [MASK], 10% a random token, 10% stay; the head sees the predicted positions only; the loss is the
mean over the predicted tokens of the batch. By default ours: new masks in every epoch, as in RoBERTa; special tokens
([UNK] too) neither predicted nor drawn, nor counted. `MaskingSpec` has BERT's ways: static masks, whole words, a
largest number of predictions, and `faithful`. Blocks are of any layout; in packed ones attention stays inside
documents if the recipe says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from scriptorium.objectives import masking, measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.draws import Draws, static
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.masking import corrupt
from scriptorium.objectives.objective import Objective
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import word_starts

if TYPE_CHECKING:
    import transformers

    from scriptorium.objectives.spec.masked import MaskedSpec


def objective(
    model: transformers.PreTrainedModel,
    spec: MaskedSpec,
    tokenizer: Any,
    measured_by: Callable[[transformers.EvalPrediction], dict[str, float]] = measures.of_sums,
) -> Objective:
    """The objective of a masked language model: `model` on masked blocks."""
    return Objective(
        model=model,
        hide=lambda blocks, draws: MaskedBlocks(blocks, spec, tokenizer, draws),
        collate=collate(document_attention=spec.document_attention),
        measures=measured_by,
        predicts_specials=_all_but_cls_and_sep(tokenizer) if spec.masking.faithful else False,
        starts_from_frequencies=spec.frequency_bias,
    )


class MaskedBlocks(Dataset):
    """Blocks with tokens hidden. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [L] corrupted, document_ids [L], positions [k] ascending, labels [k] = the true tokens there; of padded
    blocks also attention_mask [L], and of sentence pairs token_type_ids [L] and next_sentence_label [1] (0: it is).
    Raises UserError: whole words are asked for, but the vocabulary does not mark them.
    """

    def __init__(self, blocks: Blocks, spec: MaskedSpec, tokenizer: Any, draws: Draws):
        how = spec.masking
        self.blocks, self.spec, self.how = blocks, spec, how
        self.draws = static(draws, how.static_copies) if how.static_copies else draws
        self.mask_id = tokenizer.mask_token_id
        self.special = np.zeros(len(tokenizer), dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        self.untouched = self.special.copy()  # never predicted
        if how.faithful:
            self.untouched[:] = False
            self.untouched[[tokenizer.cls_token_id, tokenizer.sep_token_id]] = True
        self.drawn = np.arange(len(tokenizer)) if how.faithful else np.flatnonzero(~self.special)
        self.starts = word_starts(tokenizer) if how.whole_words else None

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        input_ids, document_ids = self.blocks[index]
        generator = self.draws(epoch, index)
        positions = self._choose(input_ids, document_ids >= 0, generator)
        labels = input_ids[positions]
        corrupted = input_ids.copy()
        corrupted[positions] = corrupt(
            labels,
            mask_id=self.mask_id,
            ordinary=self.drawn,
            mask=self.spec.mask,
            random=self.spec.random,
            generator=generator,
        )
        example = {"input_ids": corrupted, "document_ids": document_ids, "positions": positions, "labels": labels}
        if self.blocks.padded:
            example["attention_mask"] = (document_ids >= 0).astype(np.int64)
        extra = self.blocks.extra(index)
        if "is_next" in extra:
            example |= {"token_type_ids": extra["segment_ids"], "next_sentence_label": 1 - extra["is_next"]}
        return example

    def _choose(self, input_ids: np.ndarray, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Positions to predict in a block [L]; real [L]: which tokens are not padding."""
        maskable = ~self.untouched[input_ids] & real
        tokens = int((real if self.how.faithful else maskable).sum())
        count = masking.count_of(tokens, self.spec.rate, self.how.max_predictions)
        if self.starts is None:
            return masking.choose(maskable, count, generator)
        first = masking.word_beginnings(input_ids, self.starts, self.special)
        return masking.choose_words(maskable, first, count, generator)


FILLS = {"input_ids": 0, "positions": 0, "labels": IGNORED, "attention_mask": 0, "token_type_ids": 0}


def collate(*, document_attention: bool) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch: input_ids [B, L], positions [B, K], labels [B, K], all int64.

    K is the largest k of the batch; filled up with position 0 and label -100, which the loss leaves out. With
    `document_attention` also document_ids [B, L]; and what else the examples have.
    """
    fills = FILLS | {"next_sentence_label": IGNORED} | ({"document_ids": -1} if document_attention else {})
    return batches(fills)


def _all_but_cls_and_sep(tokenizer: Any) -> list[int]:
    """Special tokens that BERT's code predicts as any other."""
    return sorted({*tokenizer.all_special_ids} - {tokenizer.cls_token_id, tokenizer.sep_token_id})
