"""Causal language models on the bodies of GPT-2 and LLaMA, and GLM on GPT-2's: norms before each part."""

from __future__ import annotations

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec.base import GenerativeSpec
from scriptorium.objectives.spec.infilling import GlmSpec
from scriptorium.sizes.needs import Layer, Needs
from scriptorium.sizes.parts import FLOAT, Keeps, dimensions

GELU_NEW = 5  # tensors of the inner width that transformers' tanh form of GELU keeps
SWIGLU = 4  # gate, up, what SiLU gives and the product


def gpt2(shape: EncoderSpec, spec: GenerativeSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    return _gpt2(shape, block, block, vocabulary, keeps, masked=spec.document_attention)


def glm(shape: EncoderSpec, spec: GlmSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    """Part A has a mask for each span, part B a symbol before each and a prediction behind it."""
    hidden = round(spec.blanks.rate * block)
    spans = max(1, round(hidden / max(spec.blanks.span, 1)))
    found = _gpt2(shape, block + 2 * spans, hidden + spans, vocabulary, keeps, masked=True)
    places = (spec.blanks.longest + 2) * shape.hidden_size
    return Needs(**{**vars(found), "parameters": found.parameters + places})


def llama(shape: EncoderSpec, spec: GenerativeSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    own = 4 * width * width + 3 * width * inner + 2 * width
    layer = Layer(
        kept=keeps.attention(block, block, width, shape.heads)
        + (keeps.mask(1, block, block, boolean=True) if spec.document_attention else 0)
        + 2 * keeps.rms_norm(block, width)
        + keeps.feed_forward(block, width, inner, inside=SWIGLU, products=2),
        inputs=FLOAT * block * width,
        inner=keeps.c * block * inner,
    )
    return Needs(
        parameters=2 * table + depth * own + width,
        products=depth * (own - 2 * width) + table,
        table=0,
        layers=[layer] * depth,
        outside=keeps.rms_norm(block, width) + keeps.casts(block, width) + block * block,
        predictions=block,
        largest=max(table, own),
    )


def _gpt2(shape: EncoderSpec, rows: int, predicted: int, vocabulary: int, keeps: Keeps, *, masked: bool) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    products = 4 * width * width + 2 * width * inner
    own = products + 9 * width + inner
    layer = Layer(
        kept=keeps.attention(rows, rows, width, shape.heads, fused=True)
        + (keeps.mask(1, rows, rows, boolean=True) if masked else 0)
        + 2 * (keeps.norm(rows, width) + keeps.drops(rows, width))
        + keeps.feed_forward(rows, width, inner, inside=GELU_NEW),
        inputs=FLOAT * rows * width,
        inner=keeps.c * rows * inner,
    )
    return Needs(
        parameters=table + shape.max_positions * width + depth * own + 2 * width,
        products=depth * products + table,
        table=table,
        layers=[layer] * depth,
        outside=keeps.norm(rows, width) + keeps.drops(rows, width) + keeps.casts(predicted, width) + rows * rows,
        predictions=predicted,
        largest=max(table, own),
        rows=(rows, 0),
    )
