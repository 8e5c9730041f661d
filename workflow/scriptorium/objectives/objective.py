"""What every pre-training objective gives to the stage that trains it: the contract.

An objective is one module of this package, found by the name that a recipe gives (`bert-nsp` is bert_nsp.py). It has

    SAVED   from_checkpoint.SavedEncoder: the kind of encoder that it trains, and how a saved one tells its shape
    build(shape: EncoderSpec, spec, tokenizer) -> Objective

where `spec` is the class of its settings in spec.py, which also says what layouts of blocks it takes. A module may use
what others share (masked_blocks.py, permuted_blocks.py, measures.py, collating.py), and nothing here names a module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from scriptorium import named
from scriptorium.engine.batches import labelled
from scriptorium.errors import UserError
from scriptorium.objectives.draws import Draws

if TYPE_CHECKING:
    import torch
    import transformers
    from torch.utils.data import Dataset

    from scriptorium.models.spec import EncoderSpec
    from scriptorium.objectives.spec import ObjectiveSpec
    from scriptorium.text.blocks import Blocks


@dataclass(frozen=True)
class Objective:
    """An objective = a data path (what is hidden, and what results from that) + a model whose forward gives the loss.

    model: a new one. Its forward takes a batch by name and returns a dictionary: `loss`, the mean over the batch's
      terms; in evaluation then what was lost and what was correct, summed for each example [B] or of every prediction
      [B, K] (held_out.py), and what `measures` wants besides. `plain()` gives transformers' own class, to be saved;
      `start_from(log frequencies)` is called where `starts_from_frequencies`; `forward_flops(batch)`, if it has one,
      is the closed form of engine/flops.py; if `monitored` is set it says in training, too, how many are correct.
    hide(blocks, draws): examples. data[(epoch, index)] and data[index] are dictionaries of arrays, pure functions of
      (epoch, index); `labels` holds every token that an example predicts, in one array, whatever the model calls them.
    collate(examples): a batch, a dictionary of tensors, `labels` among them.
    measures(predictions): held-out metrics; they include `loss`.
    facts(examples): what is worth noting of the held-out data.
    terms(batch): how many terms the loss of a batch is a mean over.
    predicts_specials: special tokens are among the predicted: all (True), none (False), or these ids.
    decay_all: weight decay on biases and norms too.
    starts_from_frequencies: the output bias starts at the log frequencies of the training tokens.
    divisible: the loss of a batch is the mean over the terms of its parts; not so where examples are compared.
    """

    model: transformers.PreTrainedModel
    hide: Callable[[Blocks, Draws], Dataset]
    collate: Callable[[Sequence[dict[str, Any]]], dict[str, torch.Tensor]]
    measures: Callable[[transformers.EvalPrediction], dict[str, float]]
    facts: Callable[[Dataset], dict[str, float]] = lambda _: {}
    terms: Callable[[Mapping[str, torch.Tensor]], int] = labelled
    predicts_specials: bool | Sequence[int] = False
    decay_all: bool = False
    starts_from_frequencies: bool = False
    divisible: bool = True


def module_of(spec: ObjectiveSpec) -> ModuleType:
    """The module of the objective that a specification names."""
    return named.load("scriptorium.objectives", spec.name)


def build(shape: EncoderSpec, spec: ObjectiveSpec, tokenizer: transformers.PreTrainedTokenizerBase) -> Objective:
    """The objective that a specification names, with a randomly initialised model of this shape and tokenizer."""
    return module_of(spec).build(shape, spec, tokenizer)


def check_blocks(spec: ObjectiveSpec, blocks: Blocks) -> None:
    """Raises UserError where blocks of this layout do not fit the objective."""
    try:
        spec.check_layout(blocks.layout)
    except ValueError as error:
        raise UserError(str(error), remedy="set layout in the recipe, and pack again") from None
