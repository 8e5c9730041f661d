"""RoBERTa's objective: BERT's masked language model on RoBERTa's encoder (docs/papers/objectives.md section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.models import roberta
from scriptorium.objectives import masked_blocks
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.masked import RobertaSpec

SAVED = roberta.SAVED


def build(shape: EncoderSpec, spec: RobertaSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """RoBERTa's encoder on masked blocks."""
    return masked_blocks.objective(roberta.build(shape, tokenizer), spec, tokenizer)
