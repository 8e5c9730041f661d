"""MPNet without permutation: a masked language model on MPNet's encoder and data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.objectives import two_streams
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.permuted import MlmPermutedSpec

SAVED = two_streams.SAVED


def build(shape: EncoderSpec, spec: MlmPermutedSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """MPNet's encoder on permuted blocks, in mode mlm."""
    return two_streams.objective("mlm", shape, spec, tokenizer)
