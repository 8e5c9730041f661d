"""A recipe's objective: the model, what is hidden from it, and how its loss is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch.utils.data import Dataset

from scriptorium.data.blocks import Blocks
from scriptorium.models import mlm, mpnet
from scriptorium.objectives import bert, permuted
from scriptorium.objectives.masking import Draws
from scriptorium.objectives.spec import EncoderSpec, ObjectiveSpec


@dataclass(frozen=True)
class Objective:
    """An objective = a collator (which tokens are hidden, and what results from that) + a loss on the outputs.

    model: a new one, whose forward takes a batch and returns the loss · hide(blocks, draws): examples, as pure
    functions of (epoch, index) · collate: examples to a batch · measures: held-out metrics · facts(examples): what is
    worth noting of the data · predicts_specials: special tokens are among the predicted · decay_all: weight decay on
    biases and norms too.
    """

    model: transformers.PreTrainedModel
    hide: Callable[[Blocks, Draws], Dataset]
    collate: Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]
    measures: Callable[[transformers.EvalPrediction], dict[str, float]]
    facts: Callable[[Dataset], dict[str, float]] = lambda _: {}
    predicts_specials: bool = False
    decay_all: bool = False


def build(model: EncoderSpec, objective: ObjectiveSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """The objective of a recipe, with a randomly initialised model for this tokenizer."""
    if objective.permuted is None:
        return Objective(
            model=mlm.build(model, tokenizer),
            hide=lambda blocks, draws: bert.MaskedBlocks(blocks, objective, tokenizer, draws),
            collate=bert.collate(document_attention=objective.document_attention),
            measures=bert.measures,
        )
    faithful = objective.permuted.faithful
    return Objective(
        model=mpnet.build(model, objective, tokenizer),
        hide=lambda blocks, draws: permuted.PermutedBlocks(blocks, objective, tokenizer, draws),
        collate=permuted.collate(document_attention=objective.document_attention),
        measures=permuted.measures,
        facts=lambda examples: permuted.visible_shares(examples, mpnet.mode_of(objective)),
        predicts_specials=faithful,
        decay_all=faithful,
    )
