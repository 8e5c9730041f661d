"""What every pre-training objective gives to the stage that trains it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch.utils.data import Dataset

from scriptorium.errors import UserError
from scriptorium.objectives.masking import Draws
from scriptorium.objectives.spec import ObjectiveSpec, check_layout
from scriptorium.text.blocks import Blocks


@dataclass(frozen=True)
class Objective:
    """An objective = a collator (which tokens are hidden, and what results from that) + a loss on the outputs.

    model: a new one, whose forward takes a batch and returns the loss · hide(blocks, draws): examples, as pure
    functions of (epoch, index) · collate: examples to a batch · measures: held-out metrics · facts(examples): what is
    worth noting of the data · predicts_specials: special tokens are among the predicted, or these are · decay_all:
    weight decay on biases and norms too.
    """

    model: transformers.PreTrainedModel
    hide: Callable[[Blocks, Draws], Dataset]
    collate: Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]
    measures: Callable[[transformers.EvalPrediction], dict[str, float]]
    facts: Callable[[Dataset], dict[str, float]] = lambda _: {}
    predicts_specials: bool | Sequence[int] = False
    decay_all: bool = False


def _rest(tokenizer: Any) -> list[int]:
    """Special tokens that BERT's code predicts as any other: all but [CLS] and [SEP]."""
    return sorted({*tokenizer.all_special_ids} - {tokenizer.cls_token_id, tokenizer.sep_token_id})


def _checked(objective: ObjectiveSpec, hide: Callable[[Blocks, Draws], Dataset]) -> Callable[[Blocks, Draws], Dataset]:
    """`hide`, which refuses blocks of a layout that does not fit. Raises UserError."""

    def checked(blocks: Blocks, draws: Draws) -> Dataset:
        try:
            check_layout(objective, blocks.layout)
        except ValueError as error:
            raise UserError(str(error), remedy="set layout in the recipe, and pack again") from None
        return hide(blocks, draws)

    return checked
