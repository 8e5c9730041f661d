"""Floating-point operations of a training step: those of the matrix products, forward and backward.

A product of [m, k] and [k, n] counts 2 m k n, and the backward pass twice the forward's; everything else (norms,
activations, softmax, dropout, the optimiser) is left out, as torch's counter does. Recomputation (gradient
checkpointing, fused attention's backward) is not counted either: it is how, not what. So the number depends on neither
device nor kernel, and a budget of FLOPs gives the same number of steps everywhere.

For our BERT, RoBERTa and MPNet there is a closed form; other models, and those of which a part is frozen, are counted
once by torch's own counter. The tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

PASSES = 3  # forward, and backward with respect to inputs and to weights


@dataclass(frozen=True)
class Work:
    """What one layer does for one example: so many rows go through it, so many are keys, so many scores are taken."""

    rows: int
    keys: int
    scores: int


def of(model: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """FLOPs of one pass forward and backward over a batch."""
    layers = _layers(model, inputs)
    if layers is None:
        return counted(model, inputs)
    config = model.config
    predictions = inputs["positions"].shape[1] * (2 if getattr(config, "mask_rows", 0) else 1)
    forward = sum(_layer(config.hidden_size, config.intermediate_size, work) for work in layers)
    forward += 2 * predictions * config.hidden_size * (config.hidden_size + config.vocab_size)  # transform, decoder
    return float(PASSES * len(inputs["input_ids"]) * forward)


def counted(model: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """The same by torch's counter, on a real pass. Gradients are dropped and random numbers put back."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    place = next(model.parameters()).device
    was = model.training
    model.train()
    # the plain kernel: the counter does not know the fused one of CPUs, and counts a fused backward's recomputation
    with torch.random.fork_rng(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(**{name: value.to(place) for name, value in inputs.items()})["loss"].backward()
    model.zero_grad()
    model.train(was)
    return float(counter.get_total_flops())


def _layer(width: int, inner: int, work: Work) -> int:
    """Query and output for the rows, key and value for the keys, both parts of the feed-forward; scores and sums."""
    projections = 2 * width * width * 2 * (work.rows + work.keys)
    feed_forward = 2 * width * inner * 2 * work.rows
    attention = 2 * width * 2 * work.scores
    return projections + feed_forward + attention


def _layers(model: nn.Module, inputs: Mapping[str, Tensor]) -> list[Work] | None:
    """The work of each layer, or None for a model without a closed form."""
    from scriptorium.models.mlm import PackedMaskedLM
    from scriptorium.models.mpnet import TwoStreamMPNet
    from scriptorium.models.roberta import MaskedRoberta

    if not all(parameter.requires_grad for parameter in model.base_model.get_input_embeddings().parameters()):
        return None  # a frozen encoder has no backward pass
    length, predicted = inputs["input_ids"].shape[1], inputs["positions"].shape[1]
    if isinstance(model, PackedMaskedLM | MaskedRoberta):
        last = Work(predicted, length, predicted * length)  # it computes the predicted rows only
        return [Work(length, length, length**2)] * (model.config.num_hidden_layers - 1) + [last]
    if isinstance(model, TwoStreamMPNet):
        return _two_streams(model.config, length, predicted)
    return None


def _two_streams(config: object, length: int, predicted: int) -> list[Work]:
    """MPNet's modes; see models/mpnet/visibility.py for the rows."""
    content = length + (predicted if config.mode == "mpnet" else 0)
    rows = content + (0 if config.mode == "mlm" else predicted)
    opened = 0 if config.mode == "plm" or config.form != "split" else length
    scores = opened**2 + (rows - opened) * content
    read = predicted * (2 if config.mask_rows else 1)  # the last layer computes only what the head reads
    return [Work(rows, content, scores)] * (config.num_hidden_layers - 1) + [Work(read, content, read * content)]
