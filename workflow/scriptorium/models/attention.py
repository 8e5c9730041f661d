"""Scaled dot-product attention, in whichever form is fastest where the step runs."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from scriptorium.models.dropout import dropout, own_masks


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, rate: float, *, blind: bool = False
) -> Tensor:
    """softmax(query key' / sqrt(d) + mask) value, with dropout of `rate` on the weights.

    query [B, heads, R, d], key and value [B, heads, K, d]; mask: what is added, broadcast to [B, heads, R, K], -inf
    where a key is not visible, or None. Returns [B, heads, R, d]. With `blind` there may be rows that see no key at
    all; they give zeros. With dropout torch has no fused kernel on a CPU, and its plain form draws slow masks.
    """
    if not (rate and own_masks(query)):
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=rate)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores.add_(mask)
    weights = torch._safe_softmax(scores, -1) if blind else scores.softmax(-1)
    return dropout(weights, rate) @ value


def additive(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where `visible` (bool) holds, else -inf."""
    return torch.zeros(visible.shape, dtype=dtype, device=visible.device).masked_fill_(~visible, -math.inf)


def pick(rows: Tensor, places: Tensor) -> Tensor:
    """[B, R, ...] at `places` [B, K] -> [B, K, ...]."""
    return rows[torch.arange(len(rows), device=rows.device)[:, None], places]
