"""BERT as it was published: masked language model and next-sentence prediction on sentence pairs
(docs/papers/objectives.md section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scriptorium.models import nsp
from scriptorium.objectives import masked_blocks, measures
from scriptorium.objectives.objective import Objective

if TYPE_CHECKING:
    import transformers

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec.masked import BertNspSpec

SAVED = nsp.SAVED


def build(shape: EncoderSpec, spec: BertNspSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """BERT's encoder with both heads on masked sentence pairs."""
    return masked_blocks.objective(nsp.build(shape, tokenizer), spec, tokenizer, pair_measures)


def pair_measures(predicted: transformers.EvalPrediction) -> dict[str, float]:
    """As `measures.of_sums`, of the masked language model alone, and of next-sentence prediction: nsp_loss (nats),
    nsp_accuracy and nsp_majority, the accuracy of always saying the more frequent answer.
    """
    nsp_loss, nsp_correct, nsp_label = predicted.predictions[-3:]
    follows = float((nsp_label == 0).mean())
    return {
        **measures.of_sums(predicted),
        "nsp_loss": float(nsp_loss.astype(np.float64).mean()),
        "nsp_accuracy": float(nsp_correct.mean()),
        "nsp_majority": max(follows, 1 - follows),
    }
