"""Contrast between words: a word is to be nearer to its synonym in the translation than to other words there.

    L = mean over links (i, j) of  -log exp(s_ij) / (exp(s_ij) + sum over negatives k of i of exp(s_ik))
    s_ij = cos(t_i, t_j) / temperature;  t: the mean state of a word's pieces;  1/2 of it and of the same from y to x

The mean is over the links of a pair, then over the pairs that have one; without any the term is 0. Negatives of i are
words of the other text of the same pair, and never another synonym of i. A reconstruction (docs/papers/veco.md section
5.1): synonyms by a dictionary, and negatives from the same pair alone, are the paper's; the rest is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from scriptorium.models.veco2 import info_nce
from scriptorium.models.veco2.texts import means


@dataclass(frozen=True)
class Token:
    """Its settings; TokenSpec in models/veco2/spec.py describes them. layer: counted from 0, the embeddings."""

    temperature: float
    negatives: str
    layer: int


def contrast(
    states: Tensor, documents: Tensor, words: Tensor, links: Tensor, how: Token
) -> tuple[Tensor, Tensor, Tensor]:
    """Of every pair that has a link: (nats, share of links whose synonym is the most similar, its block), all [n].

    states [B, 2, L, d] · documents [B, 2, L]: the pair of each token · words [B, 2, L]: the word of each token in its
    side, from 0, -1 where it is of none (special tokens, padding, punctuation) · links [B, K, 2]: words of x and of y,
    -1 in unused slots.
    """
    units, pairs = _units(states, documents, words)
    x, y = units.unbind(1)
    scores = x @ y.transpose(1, 2) / how.temperature  # [B, U, U]
    same = (pairs[:, 0, :, None] == pairs[:, 1, None]) & (pairs[:, 0, :, None] >= 0)
    block, slot = (links[..., 0] >= 0).nonzero().T
    one, other = links[block, slot].T
    linked = torch.zeros_like(same)
    linked[block, one, other] = True
    negative = same & ~linked
    to_y = to_x = negative
    if how.negatives == "unpaired":
        to_y, to_x = (negative & ~linked.any(axis, keepdim=True) for axis in (1, 2))
    right = scores[block, one, other]
    others = (
        scores[block, one].masked_fill(~to_y[block, one], -math.inf),
        scores[block, :, other].masked_fill(~to_x[block, :, other], -math.inf),
    )
    loss = torch.stack([info_nce.losses(right, each) for each in others]).mean(0)
    share = torch.stack([info_nce.best(right, each) for each in others]).to(loss.dtype).mean(0)
    # the mean over the links of each pair
    numbers = torch.stack([block, pairs[block, 0, one]], 1)
    own, owner = torch.unique(numbers, dim=0, return_inverse=True)
    return means(loss[:, None], owner, len(own))[:, 0], means(share[:, None], owner, len(own))[:, 0], own[:, 0]


def _units(states: Tensor, documents: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of the words [B, 2, U, d], and the pair of each, [B, 2, U]; -1 where there is no such word."""
    blocks, sides, _, width = states.shape
    count = int(words.amax()) + 1
    total = blocks * sides * count
    offset = torch.arange(blocks * sides, device=words.device).view(blocks, sides, 1) * count
    owners = torch.where(words >= 0, words + offset, total).flatten()
    states = states.to(torch.promote_types(states.dtype, torch.float32))
    units = functional.normalize(means(states.flatten(0, 2), owners, total), dim=-1)
    pairs = documents.new_full((total + 1,), -1).index_put((owners,), documents.flatten())[:total]
    return units.view(blocks, sides, count, width), pairs.view(blocks, sides, count)
