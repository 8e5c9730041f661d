"""What pre-training a variant costs: parameters, FLOPs, bytes on disk. The model is built of torch's fake tensors.

FLOPs are those of engine/flops.py, the engine's own closed forms (or torch's counter where a model has none), of whole
blocks. Bytes on disk are those of float32 weights and Adam's two moments; a run keeps two checkpoints while it trains,
and its model for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from scriptorium.engine import flops
from scriptorium.engine.spec import TrainSpec
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.sizes.memory import needs_of
from scriptorium.sizes.model import batch_of, model_of, pieces
from scriptorium.sizes.needs import Needs
from scriptorium.sizes.parts import FLOAT

CHECKPOINTS = 2  # that a run keeps (engine/training.py)
STATE = 3 * FLOAT  # bytes of a parameter in a checkpoint: itself, and two moments
COLUMNS = 2  # of packed blocks: tokens and the documents that they are of (text/blocks.py), int32 both


@dataclass(frozen=True)
class Cost:
    """flops of a block, forward and backward · steps, None: known only when the text is · batch: blocks of a step ·
    block: its tokens."""

    parameters: int
    flops: float
    steps: int | None
    batch: int
    block: int

    @property
    def total_flops(self) -> float | None:
        return None if self.steps is None else self.flops * self.batch * self.steps

    @property
    def tokens(self) -> int | None:
        """That training reads, padding among them."""
        return None if self.steps is None else self.block * self.batch * self.steps

    @property
    def state_bytes(self) -> int:
        """Checkpoints, while it trains."""
        return CHECKPOINTS * STATE * self.parameters

    @property
    def model_bytes(self) -> int:
        return FLOAT * self.parameters


def cost(shape: EncoderSpec, objective: ObjectiveSpec, block: int, vocabulary: int, train: TrainSpec) -> Cost:
    """Raises UserError for an objective without a closed form of its shapes (sizes/families)."""
    needs = needs_of(shape, objective, block, vocabulary, "bf16")
    # without dropout, which has no products, and whose masks on a CPU come from a seed that fake tensors do not have
    made = (shape.model_copy(update={"dropout": 0.0}), objective, pieces(vocabulary))
    with FakeTensorMode():
        parameters = model_of(*made).num_parameters()
    steps = train.max_steps
    if steps is None and train.max_tokens:
        steps = train.max_tokens // (block * train.batch_size)
    return Cost(parameters, _flops(made, needs, block), steps, train.batch_size, block)


def packed_bytes(tokens: float) -> float:
    """Of a text of so many tokens, packed without padding."""
    return COLUMNS * FLOAT * tokens


def _flops(made: tuple[EncoderSpec, ObjectiveSpec, Any], needs: Needs, block: int) -> float:
    """Of one block, forward and backward; of a mixture the mean of its two kinds. made: see `model_of`."""
    objective = made[1]
    batch = batch_of(objective, needs, block, 1)
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = model_of(*made)
        if getattr(model, "forward_flops", None) is None:
            return flops.counted(model, batch)
    if objective.name != "veco":
        return flops.of(model, batch)
    bilingual = objective.mixture.bilingual
    share = objective.rate / max(objective.rate, objective.bilingual_rate)
    count = round(batch["positions"].shape[-1] * share)
    alone = batch | {
        "bilingual": torch.zeros_like(batch["bilingual"]),
        "positions": batch["positions"][..., :count],
        "labels": batch["labels"][..., : 2 * count],
    }
    return bilingual * flops.of(model, batch) + (1 - bilingual) * flops.of(model, alone)
