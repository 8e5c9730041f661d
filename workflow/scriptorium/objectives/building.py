"""A recipe's objective: the model, what is hidden from it, and how its loss is read."""

from __future__ import annotations

from typing import Any

import transformers

from scriptorium.models import mlm, mpnet, nsp, roberta
from scriptorium.models import xlnet as xlnet_model
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives import bert, permuted, xlnet
from scriptorium.objectives.objective import Objective, _checked, _rest
from scriptorium.objectives.spec import PERMUTED, ObjectiveSpec


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
