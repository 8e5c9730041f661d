"""Regression of several measures per word in standard units, and its loss in the measures themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from scriptorium.tasks.examples import IGNORED


@dataclass(frozen=True)
class Standardisation:
    """Mean and standard deviation of every measure over the training words, [m] each.

    A token regression head gives its output in these units (ours): its weights start near 0 and move by about the
    learning rate per step, so that measures of 0 to 100 would otherwise take hundreds of steps to reach.
    """

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, labels: Iterable[np.ndarray]) -> Standardisation:
        """labels: per sentence [words, m]."""
        values = np.concatenate([np.stack([np.asarray(row, np.float64) for row in label]) for label in labels])
        return cls(values.mean(0).astype(np.float32), np.maximum(values.std(0), 1e-6).astype(np.float32))

    def measured(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs [..., m] as measures."""
        return outputs * self.deviation + self.mean

    def loss(self, outputs: object, labels: Tensor) -> Tensor:
        """Mean squared error at the labelled pieces, in measures; labels [B, L, m], IGNORED where there is none.

        transformers has no token regression; this is what Hollenstein et al. 2021 train with (docs/papers/cogbert.md
        section 8.3).
        """
        logits = outputs["logits"] if isinstance(outputs, dict) else outputs.logits
        scored = (labels != IGNORED).all(-1)
        deviation, mean = (torch.from_numpy(v).to(logits) for v in (self.deviation, self.mean))
        return nn.functional.mse_loss(logits[scored] * deviation + mean, labels[scored].to(logits.dtype))

    def fold_into(self, head: nn.Linear) -> None:
        """Let the head give measures by itself: what a saved model should do."""
        deviation, mean = (torch.from_numpy(v).to(head.weight) for v in (self.deviation, self.mean))
        with torch.no_grad():
            head.weight *= deviation[:, None]
            head.bias.mul_(deviation).add_(mean)
