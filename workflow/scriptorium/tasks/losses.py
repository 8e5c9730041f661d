"""Losses where those of transformers are not right: padding is kept out of the softmax, numbers are learned scaled."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def span_loss(outputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
    """Mean of the cross-entropies of the first and the last piece; labels [B, 3]: both, and the number of pieces.

    Padding takes no part (ours), so that the loss of a window does not depend on the batch that it is in; the models
    of transformers let it compete.
    """
    first, last, pieces = labels.unbind(-1)
    ends = ((outputs["start_logits"], first), (outputs["end_logits"], last))
    return sum(nn.functional.cross_entropy(_without_padding(logits, pieces), place) for logits, place in ends) / 2


def choice_loss(outputs: Mapping[str, Tensor], labels: Tensor) -> Tensor:
    """Cross-entropy over the options that there are; labels [B, 2]: the right one, and how many."""
    right, options = labels.unbind(-1)
    return nn.functional.cross_entropy(_without_padding(outputs["logits"], options), right)


def scaled_error(outputs: Mapping[str, Tensor], labels: Tensor, *, scale: float) -> Tensor:
    """Mean squared error of outputs [B, 1] from labels [B] / scale (MPNet's STS-B; docs/papers/mpnet.md section 5)."""
    return nn.functional.mse_loss(outputs["logits"].squeeze(-1).float(), labels.float() / scale)


def _without_padding(logits: Tensor, counts: Tensor) -> Tensor:
    """[B, n] float32, in row b minus infinity from counts[b] on."""
    behind = torch.arange(logits.shape[-1], device=logits.device) >= counts[:, None]
    return logits.float().masked_fill(behind, float("-inf"))
