"""MPNet: tokens predicted before are seen, and the positions of the others (docs/papers/mpnet.md section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scriptorium.objectives import two_streams
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.permuted import MpnetSpec

SAVED = two_streams.SAVED


def build(shape: EncoderSpec, spec: MpnetSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """MPNet's encoder on permuted blocks, in mode mpnet."""
    return two_streams.objective("mpnet", shape, spec, tokenizer)
