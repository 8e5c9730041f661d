"""Floating-point operations of a training step: those of the matrix products, forward and backward.

A product of [m, k] and [k, n] counts 2 m k n, and the backward pass twice the forward's; everything else (norms,
activations, softmax, dropout, the optimiser) is left out, as torch's counter does. Recomputation (gradient
checkpointing, fused attention's backward) is not counted either: it is how, not what. So the number depends on neither
device nor kernel, and a budget of FLOPs gives the same number of steps everywhere.

A model may have a closed form of its forward pass, a method `forward_flops(batch)`; other models, and those of which a
part is frozen, are counted once by torch's own counter. The tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

PASSES = 3  # forward, and backward with respect to inputs and to weights


def of(model: nn.Module, inputs: Mapping[str, Tensor]) -> float:
    """FLOPs of one pass forward and backward over a batch."""
    closed_form = getattr(model, "forward_flops", None)
    trained = all(parameter.requires_grad for parameter in model.base_model.get_input_embeddings().parameters())
    if closed_form is None or not trained:  # a frozen encoder has no backward pass
        return counted(model, inputs)
    return float(PASSES * closed_form(inputs))


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
