"""XLNet's permuted language model: which spans are predicted, and in which order (docs/papers/objectives.md section 4).

Kept from XLNet: spans of n in 1..5 tokens with weight 1/n; each stands at a random place of a context of 6 n tokens,
and contexts follow one another, so about a sixth of the tokens is predicted, at most 85 of 512; the order of prediction
is a random permutation; [CLS] and [SEP] have places in it but are never predicted; nothing is replaced by a mask.
Ours: the permutation is of the whole block (there: of each half of 512, since the first half is text seen before);
the last span is cut short at the limit; [UNK] is never predicted; a block predicts at least one token; and in a
document (or block) whose ordinary tokens would all be predicted, none is: its first query would see nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.models import xlnet
from scriptorium.objectives import measures
from scriptorium.objectives.collating import batches
from scriptorium.objectives.draws import Draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.objective import Objective
from scriptorium.text.blocks import Blocks

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.permuted import SpansSpec, XlnetSpec

SAVED = xlnet.SAVED
LOOKED_AT = 256  # blocks, at the start
UNUSED = -1  # position of a slot that a block does not use


def build(shape: EncoderSpec, spec: XlnetSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """XLNet's model on blocks with spans to predict."""
    return Objective(
        model=xlnet.build(shape, tokenizer),
        hide=lambda blocks, draws: SpannedBlocks(blocks, spec, tokenizer, draws),
        collate=collate(document_attention=spec.document_attention),
        measures=measures.of_predictions,
        facts=visible_shares,
        starts_from_frequencies=spec.frequency_bias,
    )


class SpannedBlocks(Dataset):
    """Blocks with spans to predict. data[(epoch, index)] or data[index] (epoch 0) gives one example:

    input_ids [L], all of them true; document_ids [L]; order [L], the place in the permutation, -1 where there is none;
    in the order of prediction positions [k] and labels [k]; of padded blocks also attention_mask [L].
    Raises UserError where no block has anything to predict.
    """

    def __init__(self, blocks: Blocks, spec: XlnetSpec, tokenizer: Any, draws: Draws):
        self.blocks, self.spec, self.draws = blocks, spec, draws
        self.special = np.zeros(len(tokenizer), dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        self.functional = [tokenizer.cls_token_id, tokenizer.sep_token_id]
        looked_at = range(min(len(blocks), LOOKED_AT))
        if len(blocks) and not any(len(self[index]["positions"]) for index in looked_at):
            raise UserError(
                f"of {len(looked_at)} blocks none has a token that xlnet could predict: their documents hold one token "
                "or none beside what would be predicted, so a prediction would see nothing",
                where="objective xlnet of the recipe",
                remedy="set objective.document_attention: false, so that the documents of a block see one another, or "
                "give longer documents (reader text: documents: file)",
            )

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, key: int | tuple[int, int]) -> dict[str, np.ndarray]:
        epoch, index = key if isinstance(key, tuple) else (0, key)
        input_ids, document_ids = self.blocks[index]
        owners = document_ids if self.spec.document_attention else np.where(document_ids >= 0, 0, -1)
        order, positions = self.hide(input_ids, owners, self.draws(epoch, index))
        example = {
            "input_ids": input_ids,
            "document_ids": document_ids,
            "order": order,
            "positions": positions,
            "labels": input_ids[positions],
        }
        if self.blocks.padded:
            example["attention_mask"] = (document_ids >= 0).astype(np.int64)
        return example

    def hide(
        self, input_ids: np.ndarray, owners: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """(order [L], positions [k]) for tokens [L]; owners [L]: tokens with the same number may see one another."""
        ordinary = ~self.special[input_ids] & (owners >= 0)
        predicted = np.zeros(len(input_ids), dtype=bool)
        real = int((owners >= 0).sum())
        predicted[spans(real, self.spec.rate, self.spec.spans, generator)] = True
        predicted &= ordinary
        if not predicted.any() and ordinary.any():
            predicted[generator.choice(np.flatnonzero(ordinary))] = True
        context = np.unique(owners[~self.special[input_ids] & ~predicted])
        predicted &= np.isin(owners, context)
        placed = predicted | np.isin(input_ids, self.functional)
        order = np.where(placed, generator.permutation(len(input_ids)), -1)
        positions = np.flatnonzero(predicted)
        return order, positions[np.argsort(order[positions])]


def spans(length: int, rate: float, spec: SpansSpec, generator: np.random.Generator) -> np.ndarray:
    """Positions of spans in a text of `length` tokens, ascending; a span of n has a context of n / rate tokens."""
    sizes = np.arange(1, spec.longest + 1)
    weights = 1 / sizes
    limit = max(1, int(spec.most * length))
    found: list[int] = []
    start = 0
    while start < length and len(found) < limit:
        size = int(generator.choice(sizes, p=weights / weights.sum()))
        context = round(size / rate)
        first = start + int(generator.integers(context - size + 1))
        found += range(first, min(first + size, first + limit - len(found), length))
        start += context
    return np.array(found, dtype=np.int64)


def collate(*, document_attention: bool) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch: input_ids and order [B, L], positions and labels [B, K], all int64.

    K is the largest k of the batch; filled up with position -1 and label -100. With `document_attention` also
    document_ids [B, L], and of padded blocks attention_mask [B, L].
    """
    fills = {"input_ids": 0, "order": -1, "positions": UNUSED, "labels": IGNORED, "attention_mask": 0}
    fills |= {"document_ids": -1} if document_attention else {}
    return batches(fills)


def visible_shares(data: SpannedBlocks) -> dict[str, float]:
    """Share of a block's tokens that a prediction sees on average; of the positions it knows no others."""
    shares = []
    for index in range(len(data)):
        example = data[index]
        owners = example["document_ids"]
        seen = ~xlnet.blocked(example["order"]) & (owners >= 0)
        if data.spec.document_attention:
            seen &= owners[:, None] == owners
        shares.append(seen[example["positions"]].sum(1) / (owners >= 0).sum())
    mean = float(np.concatenate(shares).mean())
    return {"visible/tokens": mean, "visible/positions": mean}
