"""How attention is computed, chosen here for all models that we build (ours): torch's scaled_dot_product_attention.

It takes one of several kernels by device, precision and mask; `said` asks it which. Flash attention knows no mask, so
that blocks of several documents (a boolean mask) get another one on a GPU. "eager" would take such masks as additive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.attention import SDPBackend

if TYPE_CHECKING:
    from torch import nn

IMPLEMENTATION = "sdpa"  # transformers' name
LENGTH = 128  # tokens of the question that is asked; kernels do not depend on it
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def description(model: nn.Module, precision: str) -> str:
    """A sentence for the journal on what a model's attention is computed by; empty if it has none."""
    config = getattr(model, "config", None)
    heads, width = (getattr(config, name, None) for name in ("num_attention_heads", "hidden_size"))
    if not heads or not width:
        return ""
    how = getattr(config, "_attn_implementation", None) or "the model's own code"
    if how != IMPLEMENTATION:
        return f"attention: {how}"
    kernels = (kernel(heads, width // heads, precision, masked=masked) for masked in (True, False))
    return "attention: {}; kernel with a mask {}, without {}".format(how, *kernels)


def kernel(heads: int, size: int, precision: str, *, masked: bool) -> str:
    """The kernel that torch takes here, for heads of so many units."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    states = torch.zeros(1, heads, LENGTH, size, dtype=TYPES[precision], device=device, requires_grad=True)
    mask = torch.ones(1, 1, LENGTH, LENGTH, dtype=torch.bool, device=device) if masked else None
    return SDPBackend(torch._fused_sdp_choice(states, states, states, mask)).name.lower()
