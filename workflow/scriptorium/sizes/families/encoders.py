"""BERT and RoBERTa: norms after each part; the last layer and the head compute the predicted rows only."""

from __future__ import annotations

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec.masked import MaskedSpec
from scriptorium.sizes.needs import Layer, Needs
from scriptorium.sizes.parts import FLOAT, Keeps, dimensions

SEGMENTS = {"bert": 2, "bert-nsp": 2, "roberta": 1}
ROBERTA_FIRST = 2  # the number of its first position (models/positions.py), where padding is token 1


def bert(shape: EncoderSpec, spec: MaskedSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    return _encoder(shape, spec, block, vocabulary, keeps, masked=spec.document_attention)


def roberta(shape: EncoderSpec, spec: MaskedSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    return _encoder(shape, spec, block, vocabulary, keeps, masked=spec.document_attention)


def bert_nsp(shape: EncoderSpec, spec: MaskedSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    return _encoder(shape, spec, block, vocabulary, keeps, masked=True)


def predicted(spec: MaskedSpec, block: int) -> int:
    """Predictions of a block: the most that there may be."""
    count = max(1, round(spec.rate * block))
    most = spec.masking.max_predictions
    return min(count, most) if most else count


def layer_parameters(width: int, inner: int) -> int:
    """Attention, feed-forward and two norms, with biases."""
    return 4 * (width * width + width) + 2 * width * inner + inner + width + 4 * width


def layer_products(width: int, inner: int) -> int:
    return 4 * width * width + 2 * width * inner


def whole_layer(shape: EncoderSpec, rows: int, mask: int, keeps: Keeps) -> Layer:
    """A layer of which all rows are computed. mask: bytes that it keeps of one."""
    width, inner = shape.hidden_size, shape.intermediate_size
    return Layer(
        kept=keeps.attention(rows, rows, width, shape.heads)
        + mask
        + 2 * (keeps.norm(rows, width) + keeps.drops(rows, width))
        + keeps.feed_forward(rows, width, inner),
        inputs=FLOAT * rows * width,
        inner=keeps.c * rows * inner,
    )


def last_layer(shape: EncoderSpec, rows: int, keys: int, mask: int, keeps: Keeps) -> Layer:
    """A layer that computes so many rows of `keys`; picking them makes a copy."""
    width, inner = shape.hidden_size, shape.intermediate_size
    picked = 0 if keeps.mixed else FLOAT * rows * width
    return Layer(
        kept=picked
        + keeps.attention(rows, keys, width, shape.heads)
        + mask
        + 2 * (keeps.norm(rows, width) + keeps.drops(rows, width))
        + keeps.feed_forward(rows, width, inner),
        inputs=FLOAT * keys * width,
        inner=keeps.c * rows * inner,
    )


def head(rows: float, width: int, keeps: Keeps) -> float:
    """Transform, GELU and norm of the predicted rows, and what the decoder reads."""
    return rows * width * (keeps.casts(1, 1, 2) + 2 * keeps.c + FLOAT)


def head_parameters(width: int, vocabulary: int) -> int:
    """Transform, norm and bias of the prediction; its weights are the table of tokens."""
    return width * width + 3 * width + vocabulary


def embedded(rows: int, width: int, keeps: Keeps) -> int:
    """The norm of the embeddings and its dropout."""
    return keeps.norm(rows, width) + keeps.drops(rows, width)


def _encoder(shape: EncoderSpec, spec: MaskedSpec, block: int, vocabulary: int, keeps: Keeps, *, masked: bool) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    pairs = spec.name == "bert-nsp"
    rows = predicted(spec, block)
    read = rows + pairs  # [CLS] as well
    mask = keeps.mask(1, block, block) if masked else 0
    some = keeps.mask(1, read, block) if masked else 0
    positions = shape.max_positions + (ROBERTA_FIRST if spec.name == "roberta" else 0)
    parameters = (
        table
        + (positions + SEGMENTS[spec.name] + 2) * width
        + depth * layer_parameters(width, inner)
        + head_parameters(width, vocabulary)
        + (width * width + 3 * width + 2 if pairs else 0)
    )
    return Needs(
        parameters=parameters,
        products=depth * layer_products(width, inner) + width * width + table,
        table=table,
        layers=[
            *[whole_layer(shape, block, mask, keeps)] * (depth - 1),
            last_layer(shape, read, block, some, keeps),
        ],
        outside=embedded(block, width, keeps)
        + int(head(rows, width, keeps))
        + (keeps.shared_mask(1, block + read, block) if masked else 0),
        predictions=rows,
        largest=max(table, layer_parameters(width, inner)),
    )
