"""Training that begins with a saved model: its shape as a recipe's encoder, and its weights, copied by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.fetching.checkpoints import check_checkpoint
from scriptorium.models.positions import first_position
from scriptorium.models.spec import EncoderSpec


@dataclass(frozen=True)
class SavedEncoder:
    """How the config.json of a kind of encoder tells its shape: under which names stand the fields of EncoderSpec.

    max_positions: None where positions are relative, and a text may be of any length.
    also: further kinds of models that tell it by the same names, and whose weights our model can take.
    """

    model_type: str
    also: tuple[str, ...] = ()
    hidden_size: str = "hidden_size"
    layers: str = "num_hidden_layers"
    heads: str = "num_attention_heads"
    intermediate_size: str = "intermediate_size"
    dropout: str = "hidden_dropout_prob"
    max_positions: str | None = "max_position_embeddings"


def shape_of(directory: Path, saved: SavedEncoder) -> EncoderSpec:
    """The encoder of a saved model of this kind.

    Raises UserError: pickled weights, no config.json, another kind of model, a shape that no recipe can say.
    """
    check_checkpoint(directory)
    config = configuration(directory)
    kind, kinds = config.get("model_type"), (saved.model_type, *saved.also)
    if kind not in kinds:
        raise UserError(
            f"a {kind} model, and this objective trains {saved.model_type}",
            where=directory,
            remedy=f"start from a model of kind {' or '.join(kinds)}, or name the objective that trains such a model",
        )
    names = {
        field.name: getattr(saved, field.name) for field in fields(saved) if field.name not in ("model_type", "also")
    }
    shape = {ours: config[theirs] for ours, theirs in names.items() if theirs is not None}
    if saved.max_positions is not None:
        shape["max_positions"] -= first_position(kind, config.get("pad_token_id", 1))
    return EncoderSpec(**shape)


def copy_weights(model: transformers.PreTrainedModel, directory: Path) -> list[str]:
    """Copy the weights of a saved model, with or without its head, into `model`; returns what stays new.

    A vocabulary that `model` pads keeps its padding. What only the checkpoint has (a pooler) is left out, and what
    `model` does not train (relative positions switched off) stays. A model that takes weights of other kinds has a
    method `adapt(weights, config.json)`, which gives them its own names and shapes.
    Raises UserError: shapes that differ, each with its name and both shapes.
    """
    given: dict[str, torch.Tensor] = {}
    for path in sorted(directory.glob("*.safetensors")):
        given |= safetensors.torch.load_file(path)
    if hasattr(model, "adapt"):
        given = model.adapt(given, configuration(directory))
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


def configuration(directory: Path) -> dict[str, Any]:
    """The config.json of a saved model."""
    return json.loads((directory / "config.json").read_text(encoding="utf-8"))


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
