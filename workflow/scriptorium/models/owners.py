"""Who sees whom, where several texts stand in one row: from owners [B, L], the number of the text of every token.

Equal numbers next to each other are one text; padding is a text of its own (-1).
"""

from __future__ import annotations

import torch
from torch import Tensor


def same(rows: Tensor, keys: Tensor) -> Tensor:
    """bool [B, 1, R, K]: row and key are of the same text, from rows [B, R] and keys [B, K]."""
    return (rows[:, :, None] == keys[:, None, :])[:, None]


def earlier(owners: Tensor) -> Tensor:
    """bool [B, 1, L, L]: the key is the row's own token or an earlier one of its text."""
    length = owners.shape[1]
    return same(owners, owners) & torch.ones(length, length, dtype=torch.bool, device=owners.device).tril()


def places(owners: Tensor) -> Tensor:
    """The place of every token in its text, from 0, [B, L]."""
    index = torch.arange(owners.shape[1], device=owners.device).expand_as(owners)
    begins = torch.ones_like(owners, dtype=torch.bool)
    begins[:, 1:] = owners[:, 1:] != owners[:, :-1]
    return index - (index * begins).cummax(1).values
