"""Who sees whom in masked and permuted pre-training: one rule, and four objectives as the rows it is applied to.

Source: docs/papers/mpnet.md section 3. A block's tokens are split into a context and a predicted part, which is
predicted in some order: rank 1 first. Every key is of a kind and has a rank; every row has a threshold t:

    a row sees  context keys always,  real keys of rank <= t,  mask keys of rank > t

Thresholds: 0 for context and mask rows, i for the real token of rank i, i - 1 for the query of rank i. So a query
never sees its own token, and with mask keys every row sees each position exactly once, as a token or as a mask.

    mode    content rows (they are keys as well)      query rows   the prediction is read from
    mpnet   context and masks; then the real tokens    yes          queries
    plm     context and real tokens: no mask keys      yes          queries
    mlm     context and masks: no real keys            no           mask rows

Rows need no permutation, since positions are explicit. With document ids a row sees keys of its own document only;
padding is a document of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

Mode = Literal["mpnet", "plm", "mlm"]
MODES: tuple[Mode, ...] = get_args(Mode)
Rows = slice | Tensor  # rows of all blocks alike, or [B, K] of each block
CONTEXT, REAL, MASK, ABSENT = range(4)  # kinds of keys; ABSENT fills up blocks with fewer predictions than others


@dataclass(frozen=True)
class Layout:
    """The rows of a batch: `content` rows first, which are the keys, then query rows (B blocks, R rows, K slots).

    ids, positions (from 0), thresholds: [B, R] · kinds, ranks: [B, content] · documents: [B, R] or None ·
    predicted: [B, K], the rows whose output predicts · open: so many first rows see exactly the first `open` keys ·
    blind: a row may see no key at all.
    """

    ids: Tensor
    positions: Tensor
    thresholds: Tensor
    kinds: Tensor
    ranks: Tensor
    documents: Tensor | None
    predicted: Tensor
    content: int
    open: int
    blind: bool = False

    def visible(self, rows: Rows, keys: slice) -> Tensor:
        """bool [B, rows, keys]: the rule."""
        seen = visible(_at(self.thresholds, rows), self.kinds[:, keys], self.ranks[:, keys])
        if self.documents is not None:
            of_keys = self.documents[:, : self.content][:, None, keys]
            seen = seen & (_at(self.documents, rows)[:, :, None] == of_keys)
        return seen

    def distances(self, rows: Rows, keys: slice, *, shared: bool) -> Tensor:
        """[B, rows, keys], or [1, rows, keys] where they are the same in all blocks (`shared`): key's minus row's."""
        positions = self.positions[:1] if shared else self.positions
        return positions[:, None, keys] - _at(positions, rows)[:, :, None]


def visible(thresholds: Tensor, kinds: Tensor, ranks: Tensor) -> Tensor:
    """The rule itself: bool [B, rows, keys] from thresholds [B, rows], kinds and ranks [B, keys]."""
    revealed = ranks[:, None] <= thresholds[:, :, None]
    kinds = kinds[:, None]
    return (kinds == CONTEXT) | ((kinds == REAL) & revealed) | ((kinds == MASK) & ~revealed)


def lay_out(
    mode: Mode, input_ids: Tensor, positions: Tensor, revealed: Tensor, document_ids: Tensor | None = None
) -> Layout:
    """The rows of an objective for input_ids [B, n], in which the predicted tokens are replaced (masks).

    positions [B, K]: the predicted positions in the order of prediction, -1 in slots that a block does not use;
    revealed [B, K]: the true tokens there.
    """
    blocks, length = input_ids.shape
    slots = positions.shape[1]
    used = positions >= 0
    places = positions.clamp(min=0)
    count = torch.arange(1, slots + 1, device=positions.device).expand(blocks, -1)
    rank = torch.where(used, count, 0)
    own = torch.arange(length, device=input_ids.device).expand(blocks, -1)
    ranks = _scatter(torch.zeros_like(input_ids), positions, rank)
    hidden = ranks > 0

    def documents(copies: int) -> Tensor | None:
        return None if document_ids is None else _repeat(document_ids, document_ids.gather(1, places), copies)

    if mode == "mlm":
        kinds = torch.where(hidden, MASK, CONTEXT)
        return Layout(input_ids, own, torch.zeros_like(own), kinds, ranks, document_ids, places, length, length)
    queries = input_ids.gather(1, places)
    query_thresholds = (rank - 1).clamp(min=0)
    if mode == "plm":
        true = _scatter(input_ids, positions, revealed)
        return Layout(
            ids=torch.cat([true, queries], 1),
            positions=_repeat(own, places, 1),
            thresholds=torch.cat([ranks, query_thresholds], 1),
            kinds=torch.where(hidden, REAL, CONTEXT),
            ranks=ranks,
            documents=documents(1),
            predicted=length + count - 1,
            content=length,
            open=0,
            blind=True,
        )
    if mode != "mpnet":
        raise ValueError(f"mode {mode!r} is none of {MODES}")
    return Layout(
        ids=torch.cat([input_ids, revealed, queries], 1),
        positions=_repeat(own, places, 2),
        thresholds=torch.cat([torch.zeros_like(own), rank, query_thresholds], 1),
        kinds=torch.cat([torch.where(hidden, MASK, CONTEXT), torch.where(used, REAL, ABSENT)], 1),
        ranks=torch.cat([ranks, rank], 1),
        documents=documents(2),
        predicted=length + slots + count - 1,
        content=length + slots,
        open=length,
    )


def shares(mode: Mode, length: int, predicted: int) -> tuple[float, float]:
    """What a prediction can use on average: (share of the tokens, share of the positions), section 6.

    Without the leak of predicted tokens that are kept, and without the query's own position.
    """
    context = (length - predicted) / length
    earlier = (predicted - 1) / 2 / length
    tokens = context + (earlier if mode != "mlm" else 0.0)
    return tokens, tokens if mode == "plm" else 1.0


def _scatter(row: Tensor, positions: Tensor, values: Tensor) -> Tensor:
    """`row` [B, n] with `values` [B, K] at `positions` [B, K]; position -1 is left out."""
    wider = torch.nn.functional.pad(row, (0, 1))
    places = torch.where(positions < 0, row.shape[1], positions)
    return wider.scatter(1, places, values.to(row.dtype))[:, :-1]


def _at(values: Tensor, rows: Rows) -> Tensor:
    """[B, R] -> [B, rows]."""
    return values[:, rows] if isinstance(rows, slice) else values.gather(1, rows)


def _repeat(base: Tensor, tail: Tensor, copies: int) -> Tensor:
    return torch.cat([base, *[tail] * copies], 1)
