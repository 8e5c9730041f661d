"""A randomly initialised VECO model for a recipe."""

from __future__ import annotations

from typing import TypeVar

import transformers

from scriptorium import attention_kernel
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.positions import first_position
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.veco.model import VecoConfig
from scriptorium.models.veco.terms import VecoForMaskedLM
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder(VecoConfig.model_type, also=("bert",))


Model = TypeVar("Model", bound=VecoForMaskedLM)


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase, **settings: object) -> VecoForMaskedLM:
    """A randomly initialised model (N(0, 0.02), tied decoder) for this tokenizer; `settings` of VecoConfig."""
    return build_as(VecoForMaskedLM, spec, tokenizer, **settings)


def build_as(
    kind: type[Model], spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase, **settings: object
) -> Model:
    """The same of a class of VecoForMaskedLM; `settings` of its configuration."""
    config = kind.config_class(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=spec.max_positions + first_position(VecoConfig.model_type, tokenizer.pad_token_id),
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        attn_implementation=attention_kernel.IMPLEMENTATION,
        **settings,
    )
    return widen(kind(config))
