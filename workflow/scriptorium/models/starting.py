"""Pre-training that goes on from a checkpoint: its shape as a recipe's encoder, its weights by name."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors.torch
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.fetching.checkpoints import check_checkpoint
from scriptorium.models.positions import first_position
from scriptorium.models.spec import EncoderSpec

KINDS = {  # objective -> model_type of the encoder that it trains
    "bert": "bert",
    "bert-nsp": "bert",
    "roberta": "roberta",
    "xlnet": "xlnet",
    "mpnet": "mpnet",
    "plm": "mpnet",
    "mlm-permuted": "mpnet",
}
REMEDY = "start from an encoder of the kind that the objective trains: bert, roberta, xlnet or mpnet"


def shape_of(directory: Path, model_type: str) -> EncoderSpec:
    """The encoder of a saved model of `model_type`.

    Raises UserError: pickled weights, no config.json, another kind of model, a shape that no recipe can say.
    """
    check_checkpoint(directory)
    config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != model_type:
        raise UserError(
            f"a {config.get('model_type')} model, and this objective trains {model_type}",
            where=directory,
            remedy=REMEDY,
        )
    if model_type == "xlnet":
        names = {
            "hidden_size": "d_model",
            "layers": "n_layer",
            "heads": "n_head",
            "intermediate_size": "d_inner",
            "dropout": "dropout",
        }
        return EncoderSpec(**{ours: config[theirs] for ours, theirs in names.items()})
    return EncoderSpec(
        hidden_size=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        intermediate_size=config["intermediate_size"],
        max_positions=config["max_position_embeddings"] - first_position(model_type, config.get("pad_token_id", 1)),
        dropout=config["hidden_dropout_prob"],
    )


def load(model: transformers.PreTrainedModel, directory: Path) -> list[str]:
    """Copy the weights of a saved model, with or without its head, into `model`; returns what stays new.

    A vocabulary that `model` pads keeps its padding. What only the checkpoint has (a pooler) is left out, and what
    `model` does not train (relative positions switched off) stays.
    Raises UserError: shapes that differ, each with its name and both shapes.
    """
    given: dict[str, torch.Tensor] = {}
    for path in sorted(directory.glob("*.safetensors")):
        given |= safetensors.torch.load_file(path)
    prefix = f"{model.base_model_prefix}."
    if not any(name.startswith(prefix) for name in given):  # an encoder alone
        given = {prefix + name: value for name, value in given.items()}
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    own = {name: value for name, value in model.state_dict().items() if name not in frozen}
    wrong = [
        f"{name}: {tuple(given[name].shape)} in the checkpoint, {tuple(value.shape)} in the model"
        for name, value in own.items()
        if name in given and not _fits(given[name], value, model)
    ]
    if wrong:
        raise UserError(
            "the shapes of a checkpoint and of the model differ:\n  " + "\n  ".join(wrong),
            where=directory,
            remedy="start from a checkpoint of this vocabulary and these lengths",
        )
    new = []
    with torch.no_grad():
        for name, value in own.items():
            if name in given:
                value[: len(given[name])] = given[name]
            elif not _tied(value, own, given):
                new.append(name)
    return new


def _fits(theirs: torch.Tensor, ours: torch.Tensor, model: transformers.PreTrainedModel) -> bool:
    """Equal shapes; rows of a padded vocabulary may be missing."""
    if theirs.shape == ours.shape:
        return True
    tokens = getattr(model.config, "tokens", None)
    padded = tokens is not None and len(ours) == model.config.vocab_size and len(theirs) == tokens
    return padded and theirs.shape[1:] == ours.shape[1:]


def _tied(value: torch.Tensor, own: dict[str, torch.Tensor], given: dict[str, torch.Tensor]) -> bool:
    """Whether this weight is tied to one that the checkpoint has (the decoder to the embeddings)."""
    return any(name in given and other.data_ptr() == value.data_ptr() for name, other in own.items())
