"""GPT-2's body on blocks: learned positions, layer norms before each part, GELU, a decoder tied to the embeddings."""

from __future__ import annotations

import transformers
from transformers import GPT2Config, GPT2LMHeadModel

from scriptorium import attention_kernel
from scriptorium.models.causal import Causal
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder(
    "gpt2",
    hidden_size="n_embd",
    layers="n_layer",
    heads="n_head",
    intermediate_size="n_inner",
    dropout="resid_pdrop",
    max_positions="n_positions",
)


class CausalGPT2(Causal, GPT2LMHeadModel):
    """GPT2LMHeadModel on blocks of several documents."""

    plain_class = GPT2LMHeadModel


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase, *, restarted: bool = True) -> CausalGPT2:
    """A randomly initialised model for this tokenizer; restarted: positions begin anew with every document."""
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_embd=spec.hidden_size,
        n_layer=spec.layers,
        n_head=spec.heads,
        n_inner=spec.intermediate_size,
        n_positions=spec.max_positions,
        resid_pdrop=spec.dropout,
        embd_pdrop=spec.dropout,
        attn_pdrop=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
    )
    config.restarted = restarted
    return widen(CausalGPT2(config))
