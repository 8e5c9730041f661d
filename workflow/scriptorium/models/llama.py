"""LLaMA's body on blocks (docs/papers/objectives.md section 6): RMSNorm, SwiGLU, rotary positions, no biases, and a
decoder of its own. Dropout is of the attention's weights alone, the only one that transformers' body has (LLaMA: none).
"""

from __future__ import annotations

import transformers
from transformers import LlamaConfig, LlamaForCausalLM

from scriptorium import attention_kernel
from scriptorium.models.causal import Causal
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder("llama", dropout="attention_dropout")


class CausalLlama(Causal, LlamaForCausalLM):
    """LlamaForCausalLM on blocks of several documents."""

    plain_class = LlamaForCausalLM
    matrices = 3  # gate, up and down


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase, *, restarted: bool = True) -> CausalLlama:
    """A randomly initialised model for this tokenizer; restarted: positions begin anew with every document."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions,
        attention_dropout=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
    config.restarted = restarted
    return widen(CausalLlama(config))
