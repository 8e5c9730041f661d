"""What all bodies do with a saved model: load it, or its shape alone; its symbols and positions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import transformers

from scriptorium.errors import UserError
from scriptorium.fetching.checkpoints import check_checkpoint
from scriptorium.models import dropout
from scriptorium.models.from_checkpoint import configuration

if TYPE_CHECKING:
    from scriptorium.generation.spec import GenerateSpec


def loaded(spec: GenerateSpec, backbone: Path, kinds: Mapping[str, Any]) -> transformers.PreTrainedModel:
    """The saved model as the class that its config.json's model_type has in `kinds`; with `reinitialise` its shape.

    Raises UserError: pickled weights, another kind of model, weights that are missing.
    """
    check_checkpoint(backbone)
    if (kind := configuration(backbone).get("model_type")) not in kinds:
        raise UserError(
            f"a {kind} model, and this kind of body is {' or '.join(kinds)}",
            where=backbone,
            remedy="name another backbone, or another `body` in the recipe",
        )
    config = kinds[kind].config_class.from_pretrained(backbone, local_files_only=True, trust_remote_code=False)
    if spec.dropout is not None:
        config.update(dict.fromkeys(kinds[kind].dropouts, spec.dropout))
    if spec.reinitialise:
        model = kinds[kind](config)
    else:
        model, info = kinds[kind].from_pretrained(
            backbone, config=config, output_loading_info=True, local_files_only=True, trust_remote_code=False
        )
        if missing := sorted(info["missing_keys"]):
            raise UserError(
                f"weights are missing: {', '.join(missing[:5])}",
                where=backbone,
                remedy="name a model that was saved whole, with its head",
            )
    model.smoothing = spec.label_smoothing
    dropout.use(model)
    return model


def symbol(tokenizer: transformers.PreTrainedTokenizerBase, name: str) -> int:
    """The number of a special token. Raises UserError where the vocabulary has none."""
    if (number := getattr(tokenizer, f"{name}_id")) is None:
        raise UserError(
            f"this tokenizer has no {name}, which stands around texts",
            where=tokenizer.name_or_path,
            remedy="pre-train with a vocabulary of config.yaml, which has one",
        )
    return number


def check_positions(model: transformers.PreTrainedModel, backbone: Path, lengths: Mapping[str, int]) -> None:
    """Raises UserError where a length of the task is more than the model's positions, if it has a table of them."""
    most = getattr(model.config, "max_position_embeddings", None)  # T5 has none
    for name, length in lengths.items():
        if most is not None and length > most:
            raise UserError(
                f"{name}: {length} positions are needed, the backbone has {most}",
                where=backbone,
                remedy=f"lower {name} of the generation task",
            )
