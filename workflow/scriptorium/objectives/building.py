"""A recipe's objective: the model, what is hidden from it, and how its loss is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch.utils.data import Dataset

from scriptorium.data.blocks import Blocks
from scriptorium.errors import UserError
from scriptorium.models import mlm, mpnet, nsp, roberta
from scriptorium.models import xlnet as xlnet_model
from scriptorium.objectives import bert, permuted, xlnet
from scriptorium.objectives.masking import Draws
from scriptorium.objectives.spec import PERMUTED, EncoderSpec, ObjectiveSpec, check_layout


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


def build(model: EncoderSpec, objective: ObjectiveSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """The objective of a recipe, with a randomly initialised model for this tokenizer."""
    if objective.name in PERMUTED:
        return _mpnet(model, objective, tokenizer)
    if objective.name == "xlnet":
        return Objective(
            model=xlnet_model.build(model, tokenizer),
            hide=_checked(objective, lambda blocks, draws: xlnet.SpannedBlocks(blocks, objective, tokenizer, draws)),
            collate=xlnet.collate(document_attention=objective.document_attention),
            measures=permuted.measures,
            facts=xlnet.visible_shares,
        )
    models = {"bert": mlm, "bert-nsp": nsp, "roberta": roberta}
    return Objective(
        model=models[objective.name].build(model, tokenizer),
        hide=_checked(objective, lambda blocks, draws: bert.MaskedBlocks(blocks, objective, tokenizer, draws)),
        collate=bert.collate(document_attention=objective.document_attention),
        measures=bert.pair_measures if objective.name == "bert-nsp" else bert.measures,
        predicts_specials=_rest(tokenizer) if objective.masking is not None and objective.masking.faithful else False,
    )


def _rest(tokenizer: Any) -> list[int]:
    """Special tokens that BERT's code predicts as any other: all but [CLS] and [SEP]."""
    return sorted({*tokenizer.all_special_ids} - {tokenizer.cls_token_id, tokenizer.sep_token_id})


def _mpnet(model: EncoderSpec, objective: ObjectiveSpec, tokenizer: Any) -> Objective:
    faithful = objective.permuted.faithful
    return Objective(
        model=mpnet.build(model, objective, tokenizer),
        hide=_checked(objective, lambda blocks, draws: permuted.PermutedBlocks(blocks, objective, tokenizer, draws)),
        collate=permuted.collate(document_attention=objective.document_attention),
        measures=permuted.measures,
        facts=lambda examples: permuted.visible_shares(examples, mpnet.mode_of(objective)),
        predicts_specials=faithful,
        decay_all=faithful,
    )


def _checked(objective: ObjectiveSpec, hide: Callable[[Blocks, Draws], Dataset]) -> Callable[[Blocks, Draws], Dataset]:
    """`hide`, which refuses blocks of a layout that does not fit. Raises UserError."""

    def checked(blocks: Blocks, draws: Draws) -> Dataset:
        try:
            check_layout(objective, blocks.layout)
        except ValueError as error:
            raise UserError(str(error), remedy="set layout in the recipe, and pack again") from None
        return hide(blocks, draws)

    return checked
