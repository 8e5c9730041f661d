"""What a body says of itself: parameters, and what a sequence keeps for the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """A layer (or one pass through it): bytes of one sequence, but for `once`.

    kept: all that backward needs · inputs: what comes in, which gradient checkpointing keeps instead · once: kept once
    for a micro-batch, whatever its size · inner: the largest tensor inside it, whose gradient backward makes.
    """

    kept: int
    inputs: int
    once: int = 0
    inner: int = 0


@dataclass(frozen=True)
class Needs:
    """Of a body at a block length.

    parameters: how many · products: how many of them matrix products read (autocast copies them) · table: of the
    embeddings that are the head's too (0: the head has its own) · layers · outside: bytes of a sequence outside of all
    layers, without logits · once: bytes of a micro-batch outside · predictions: rows of logits of a sequence ·
    largest: parameters of the largest part that --fsdp puts together at once · masks: bytes of a sequence in masks that
    layers copy, which checkpointing keeps as inputs of the layers · rows: tokens of a row (a source), and of a target.
    """

    parameters: int
    products: int
    table: int
    layers: Sequence[Layer]
    outside: int
    predictions: float
    largest: int
    once: int = 0
    masks: int = 0
    rows: tuple[int, int] = (0, 0)
