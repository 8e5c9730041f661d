"""VECO on a bilingual block, its most expensive: two texts of a block's length through up to three passes.

H and S are passes of both sides, S with cross-attention; TLM is one over both sides as one text.
"""

from __future__ import annotations

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec.pairs import VecoSpec
from scriptorium.sizes.families.encoders import (
    embedded,
    head,
    head_parameters,
    last_layer,
    layer_parameters,
    layer_products,
    whole_layer,
)
from scriptorium.sizes.needs import Layer, Needs
from scriptorium.sizes.parts import FLOAT, Keeps, dimensions

FIRST = 2  # the number of the first position, where padding is token 1


def veco(shape: EncoderSpec, spec: VecoSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    side, weights = block // 2, spec.paired.weights
    rows = max(1, round(max(spec.rate, spec.bilingual_rate) * side))
    layers: list[Layer] = []
    outside, terms = 0, 0
    if weights.mlm or weights.ca:
        last = side if weights.ca else rows
        layers += _pass(shape, side, last, keeps, copies=2)
        outside += 2 * embedded(side, width, keeps) + 2 * keeps.shared_mask(1, side, side)
    if weights.ca:
        layers += _pass(shape, side, rows, keeps, copies=2, crossed=True)
        outside += 2 * keeps.shared_mask(1, side, side)
    if weights.tlm:
        layers += _pass(shape, 2 * side, 2 * rows, keeps, copies=1)
        outside += embedded(2 * side, width, keeps) + keeps.shared_mask(1, 2 * side, 2 * side)
    terms = sum(1 for weight in (weights.mlm, weights.ca, weights.tlm) if weight)
    if spec.paired.predicted_by == "one":
        terms -= 1
    crossing = 4 * (width * width + width) + 2 * width if weights.ca else 0
    own = layer_parameters(width, inner) + crossing
    parameters = (
        table + (shape.max_positions + FIRST + 1 + 2) * width + depth * own + head_parameters(width, vocabulary)
    )
    read = terms * 2 * rows
    return Needs(
        parameters=parameters,
        products=depth * (layer_products(width, inner) + (4 * width * width if weights.ca else 0))
        + width * width
        + table,
        table=table,
        layers=layers,
        outside=int(outside + head(read, width, keeps)) + FLOAT * 2 * read * width,
        predictions=read,
        largest=max(table, own),
        rows=(side, rows),
    )


def _pass(shape: EncoderSpec, rows: int, last: int, keeps: Keeps, *, copies: int, crossed: bool = False) -> list[Layer]:
    """The layers of one pass over `copies` texts of so many rows, of which the last computes some."""
    whole = whole_layer(shape, rows, keeps.mask(1, rows, rows), keeps)
    some = whole
    if last < rows:
        some = last_layer(shape, last, rows, keeps.mask(1, last, rows), keeps)
    found = [*[_copied(whole, shape, rows, rows, keeps, copies, crossed)] * (shape.layers - 1)]
    return [*found, _copied(some, shape, last, rows, keeps, copies, crossed)]


def _copied(layer: Layer, shape: EncoderSpec, rows: int, keys: int, keeps: Keeps, copies: int, crossed: bool) -> Layer:
    width, cross = shape.hidden_size, 0
    if crossed:
        cross = (
            keeps.attention(rows, keys, width, shape.heads)
            + keeps.mask(1, rows, keys)
            + keeps.norm(rows, width)
            + keeps.drops(rows, width)
        )
    return Layer(copies * (layer.kept + cross), copies * layer.inputs, inner=copies * layer.inner)
