"""BERT's masked language model on packed blocks (papers/mpnet_and_zoo section 8.1), without next-sentence prediction.

Kept from BERT: 15% of the tokens are predicted, an exact number per block; 80% of them become [MASK], 10% a random
token, 10% stay; the head sees the predicted positions only; the loss is the mean over the predicted tokens of the
batch. Ours: blocks and positions (data/layouts.py), new masks in every epoch, attention inside documents only,
special tokens ([UNK] too) neither predicted nor drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import transformers
from torch.utils.data import Dataset

from scriptorium.data.blocks import Blocks
from scriptorium.objectives.masking import IGNORED, Draws, choose, corrupt
from scriptorium.objectives.spec import ObjectiveSpec


class MaskedBlocks(Dataset):
    """Blocks with tokens hidden. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [L] corrupted, document_ids [L], positions [k] ascending, labels [k] = the true tokens there.
    """

    def __init__(self, blocks: Blocks, spec: ObjectiveSpec, tokenizer: Any, draws: Draws):
        self.blocks, self.spec, self.draws = blocks, spec, draws
        self.mask_id = tokenizer.mask_token_id
        self.special = np.zeros(len(tokenizer), dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        self.ordinary = np.flatnonzero(~self.special)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        input_ids, document_ids = self.blocks[index]
        generator = self.draws(epoch, index)
        positions = choose(~self.special[input_ids], self.spec.rate, generator)
        labels = input_ids[positions]
        corrupted = input_ids.copy()
        corrupted[positions] = corrupt(
            labels, mask_id=self.mask_id, ordinary=self.ordinary, mask=self.spec.mask, random=self.spec.random,
            generator=generator,
        )  # fmt: skip
        return {"input_ids": corrupted, "document_ids": document_ids, "positions": positions, "labels": labels}


def collate(*, document_attention: bool) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch: input_ids [B, L], positions [B, K], labels [B, K], all int64.

    K is the largest k of the batch; filled up with position 0 and label -100, which the loss leaves out. With
    `document_attention` also document_ids [B, L].
    """

    def batch(examples: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        made = {
            "input_ids": _stack([example["input_ids"] for example in examples], 0),
            "positions": _stack([example["positions"] for example in examples], 0),
            "labels": _stack([example["labels"] for example in examples], IGNORED),
        }
        if document_attention:
            made["document_ids"] = _stack([example["document_ids"] for example in examples], -1)
        return made

    return batch


def measures(predicted: transformers.EvalPrediction) -> dict[str, float]:
    """loss (nats), perplexity and accuracy over all predicted tokens of the set, from sums per block."""
    summed_loss, correct = predicted.predictions
    count = int((predicted.label_ids != IGNORED).sum())
    loss = float(summed_loss.astype(np.float64).sum()) / count
    return {"loss": loss, "perplexity": float(np.exp(loss)), "accuracy": float(correct.sum()) / count}


def _stack(rows: Sequence[np.ndarray], fill: int) -> torch.Tensor:
    width = max(map(len, rows))
    out = np.full((len(rows), width), fill, dtype=np.int64)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(out)
