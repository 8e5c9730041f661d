"""The layers of an encoder as a configuration counts them: 0 the embeddings, 1 the output of the first, -1 the last."""

from __future__ import annotations

from scriptorium.errors import UserError


def place_of(layer: int, depth: int, where: str) -> int:
    """The layer, counted from 0. where: of the configuration, for the error. Raises UserError: an encoder of `depth`
    layers has none such."""
    found = layer if layer >= 0 else depth + 1 + layer
    if not 0 <= found <= depth:
        raise UserError(
            f"layer {layer} of an encoder of {depth} layers",
            where=where,
            remedy=f"choose 0 (the embeddings) to {depth}, or -1 (the last layer) to {-depth - 1}",
        )
    return found
