"""Weights of other encoders for VECO: of XLM-R's shape, whose names are the same, and of BERT's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from scriptorium.models.veco.terms import VecoForMaskedLM

# names of BERT's masked language model, and what they are in XLM-R's
_BERT = {
    r"^bert\.": "roberta.",
    r"^cls\.predictions\.transform\.dense\.": "lm_head.dense.",
    r"^cls\.predictions\.transform\.LayerNorm\.": "lm_head.layer_norm.",
    r"^cls\.predictions\.(decoder\.)?bias$": "lm_head.bias",
}


def adapted(model: VecoForMaskedLM, given: Mapping[str, Tensor], saved: Mapping[str, Any]) -> dict[str, Tensor]:
    """Weights of a saved encoder, with its config.json, under the names and in the shapes of `model`.

    BERT's positions start at 0, so they move behind the padding symbol's; its first segment is the only one. The
    epsilon of the layer norms becomes the checkpoint's. Rows of a vocabulary that no token has are left out.
    cross_start: copied gives every cross-attention that the checkpoint lacks the weights of its self-attention.
    """
    found = dict(given)
    if saved["model_type"] == "bert":
        found = {_renamed(name): value for name, value in found.items()}
    for name, value in found.items():
        if name.endswith("word_embeddings.weight") or name in ("lm_head.bias", "lm_head.decoder.weight"):
            found[name] = value[: model.tokens]
        elif name.endswith("token_type_embeddings.weight"):
            found[name] = value[: model.config.type_vocab_size]
        elif name.endswith("position_embeddings.weight") and saved["model_type"] == "bert":
            found[name] = nn.functional.pad(value, (0, 0, model.config.pad_token_id + 1, 0))
    model.config.layer_norm_eps = saved.get("layer_norm_eps", model.config.layer_norm_eps)
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = model.config.layer_norm_eps
    if model.config.plug_in and model.config.cross_start == "copied":
        copies = {n.replace(".attention.", ".cross_attention."): v for n, v in found.items() if ".attention." in n}
        found = copies | found
    return found


def _renamed(name: str) -> str:
    for pattern, replacement in _BERT.items():
        name = re.sub(pattern, replacement, name)
    return name
