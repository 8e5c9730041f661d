"""A causal language model on GPT-2's body."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.models import gpt2
from scriptorium.objectives import causal_blocks
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.causal import Gpt2Spec

SAVED = gpt2.SAVED


def build(shape: EncoderSpec, spec: Gpt2Spec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """GPT-2's body on every token of a block."""
    return causal_blocks.objective(gpt2.build(shape, tokenizer, restarted=spec.restart), spec, tokenizer)
