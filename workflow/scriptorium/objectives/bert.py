"""BERT's masked language model, without next-sentence prediction (docs/papers/objectives.md section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.models import mlm
from scriptorium.objectives import masked_blocks
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.masked import BertSpec

SAVED = mlm.SAVED


def build(shape: EncoderSpec, spec: BertSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """BERT's encoder on masked blocks."""
    return masked_blocks.objective(mlm.build(shape, tokenizer), spec, tokenizer)
