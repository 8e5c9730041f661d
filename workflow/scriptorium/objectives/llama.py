"""A causal language model on LLaMA's body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.models import llama
from scriptorium.objectives import causal_blocks
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.causal import LlamaSpec

SAVED = llama.SAVED


def build(shape: EncoderSpec, spec: LlamaSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """LLaMA's body on every token of a block."""
    return causal_blocks.objective(llama.build(shape, tokenizer, restarted=spec.restart), spec, tokenizer)
