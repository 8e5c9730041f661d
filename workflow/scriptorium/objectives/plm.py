"""MPNet without position compensation: a permuted language model whose queries know nothing of their token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.objectives import two_streams
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.permuted import PlmSpec

SAVED = two_streams.SAVED


def build(shape: EncoderSpec, spec: PlmSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """MPNet's encoder on permuted blocks, in mode plm."""
    return two_streams.objective("plm", shape, spec, tokenizer, masks_only=True)
