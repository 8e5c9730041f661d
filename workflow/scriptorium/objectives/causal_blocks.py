"""The data path of causal language models: every token is predicted from those to its left.

Source: docs/papers/objectives.md section 6. Kept: the loss is of all tokens. Ours: a document begins with [CLS] where
the [SEP] of the one before it stood as an input, so the first token of every text stands behind the same symbol; with
`document_attention` nothing else of the block is seen, and the block equals its documents one by one. [UNK] is not
predicted. Nothing is drawn: an example is the same in every epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.text.blocks import Blocks

if TYPE_CHECKING:
    import transformers

    from scriptorium.objectives.spec.causal import CausalSpec


def objective(model: transformers.PreTrainedModel, spec: CausalSpec, tokenizer: Any) -> Objective:
    """The objective of a causal language model: `model` on the tokens of blocks."""
    return Objective(
        model=model,
        hide=lambda blocks, _: NextTokens(blocks, tokenizer),
        collate=collate(document_attention=spec.document_attention),
        measures=measures.of_sums,
        predicts_specials=[tokenizer.sep_token_id],
    )


class NextTokens(Dataset):
    """Blocks of L tokens as L - 1 inputs and what follows each. data[(epoch, index)] or data[index] gives one example:

    input_ids [L - 1], [CLS] at the beginning of each document; document_ids [L - 1], of the token that follows;
    labels [L - 1], -100 where it is [UNK] or padding; of padded blocks also attention_mask [L - 1].
    """

    def __init__(self, blocks: Blocks, tokenizer: Any):
        self.blocks, self.cls = blocks, tokenizer.cls_token_id
        self.unpredicted = np.zeros(len(tokenizer), dtype=bool)
        self.unpredicted[tokenizer.all_special_ids] = True
        self.unpredicted[tokenizer.sep_token_id] = False

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        index = key[1] if isinstance(key, tuple) else key
        tokens, owners = self.blocks[index]
        following, documents = tokens[1:], owners[1:]
        begins = (documents != owners[:-1]) & (documents >= 0)
        example = {
            "input_ids": np.where(begins, self.cls, tokens[:-1]),
            "document_ids": documents,
            "labels": np.where(self.unpredicted[following] | (documents < 0), IGNORED, following),
        }
        if self.blocks.padded:
            example["attention_mask"] = (documents >= 0).astype(np.int64)
        return example


def collate(*, document_attention: bool) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch, all int64 [B, L - 1]: input_ids, labels, of padded blocks attention_mask,
    and with `document_attention` document_ids."""
    fills = {"input_ids": 0, "labels": IGNORED, "attention_mask": 0}
    return batches(fills | ({"document_ids": -1} if document_attention else {}))
