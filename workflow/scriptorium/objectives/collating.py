"""Examples to a batch: arrays of different lengths, filled up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch


def batches(fills: Mapping[str, int]) -> Callable[[Sequence[dict[str, np.ndarray]]], dict[str, torch.Tensor]]:
    """A function from examples to a batch: of every array that they and `fills` have, one int64 tensor [B, W], rows
    filled up with the number that `fills` names."""

    def batch(examples: Sequence[dict[str, np.ndarray]]) -> dict[str, torch.Tensor]:
        names = [name for name in fills if name in examples[0]]
        return {name: _stack([example[name] for example in examples], fills[name]) for name in names}

    return batch


def _stack(rows: Sequence[np.ndarray], fill: int) -> torch.Tensor:
    """int64 [B, W] from rows of up to W numbers, filled up with `fill`."""
    out = np.full((len(rows), max(map(len, rows))), fill, dtype=np.int64)
    for row, values in zip(out, rows, strict=True):
        row[: len(values)] = values
    return torch.from_numpy(out)
