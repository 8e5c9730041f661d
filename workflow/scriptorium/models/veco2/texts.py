"""The texts of a batch of two-sided blocks: their states, each read alone, and one vector for each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from scriptorium.models.attention import additive
from scriptorium.models.veco.model import VecoModel, places, visible

IGNORED = -100


@dataclass(frozen=True)
class Texts:
    """N pairs of texts in B blocks.

    blocks [N]: the block of a pair · first [2, N]: place of the first token of its texts in their sides, [B L] flat ·
    owners [2, B L]: the pair of each token, N in the padding. Pairs stand in the same order on both sides.
    """

    blocks: Tensor
    first: Tensor
    owners: Tensor

    def __len__(self) -> int:
        return len(self.blocks)

    def pooled(self, states: Tensor, pool: str) -> Tensor:
        """Vectors [2, N, d] from states [B, 2, L, d]: that of the first token, or the mean, special tokens included."""
        sides = states.transpose(0, 1).flatten(1, 2)
        if pool == "first":
            return torch.stack([side[rows] for side, rows in zip(sides, self.first, strict=True)])
        return torch.stack([means(side, own, len(self)) for side, own in zip(sides, self.owners, strict=True)])


def texts_of(documents: Tensor) -> Texts:
    """The texts of blocks [B, 2, L], whose tokens have the number of their pair; -1: padding."""
    begins = documents >= 0
    begins[..., 1:] &= documents[..., 1:] != documents[..., :-1]
    begins = begins.transpose(0, 1).flatten(1)
    first = torch.stack([side.nonzero()[:, 0] for side in begins])
    padding = documents.transpose(0, 1).flatten(1) < 0
    owners = (begins.cumsum(1) - 1).masked_fill(padding, first.shape[1])
    return Texts(first[0] // documents.shape[-1], first, owners)


def means(rows: Tensor, owners: Tensor, count: int) -> Tensor:
    """[count, d]: the mean of the rows [n, d] of each owner [n]; owner `count` is left out, one without rows has 0."""
    summed = rows.new_zeros(count + 1, rows.shape[-1]).index_add(0, owners, rows)[:count]
    sizes = torch.bincount(owners, minlength=count + 1)[:count]
    return summed / sizes.clamp(min=1)[:, None]


def restored(input_ids: Tensor, positions: Tensor, labels: Tensor) -> Tensor:
    """Ids [B, 2, L] as they were before corruption, from positions [B, 2, K] and labels [B, 2 K]."""
    labels = labels.view(positions.shape)
    there = input_ids.gather(-1, positions)
    return input_ids.scatter(-1, positions, torch.where(labels == IGNORED, there, labels))


def read(encoder: VecoModel, input_ids: Tensor, documents: Tensor, layers: set[int]) -> dict[int, Tensor]:
    """States [B, 2, L, d] of texts read alone, at these layers (0: the embeddings); those above are not computed."""
    owners = documents.flatten(0, 1)
    hidden = encoder.embed(input_ids.flatten(0, 1), places(owners))
    mask = additive(visible(owners, owners)[:, None], hidden.dtype)
    found = {0: hidden}
    for number, layer in enumerate(encoder.encoder.layer[: max(layers)], start=1):
        found[number] = hidden = layer(hidden, mask)
    return {number: found[number].unflatten(0, documents.shape[:2]) for number in layers}
