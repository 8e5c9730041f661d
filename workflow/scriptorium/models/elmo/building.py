"""A randomly initialised ELMo for a recipe."""

from __future__ import annotations

import transformers

from scriptorium.errors import UserError
from scriptorium.models.elmo.language_model import ElmoForLanguageModeling
from scriptorium.models.elmo.model import ElmoConfig
from scriptorium.models.from_checkpoint import SavedEncoder
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.vocabulary import widen

SAVED = SavedEncoder(ElmoConfig.model_type, heads="num_attention_heads", max_positions=None)


def build(spec: EncoderSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> ElmoForLanguageModeling:
    """For this tokenizer; `heads` and `max_positions` mean nothing to it. Raises UserError: cells that are too few."""
    if spec.hidden_size % 2 or spec.intermediate_size <= spec.hidden_size // 2:
        raise UserError(
            f"hidden_size {spec.hidden_size} and intermediate_size {spec.intermediate_size}: each direction hands on "
            "half of hidden_size, which is even, and less than its cells",
            where="model",
            remedy="raise model.intermediate_size in the recipe",
        )
    config = ElmoConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        hidden_dropout_prob=spec.dropout,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    return widen(ElmoForLanguageModeling(config))
