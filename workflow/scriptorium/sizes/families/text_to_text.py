"""Encoder-decoders on the bodies of BART and T5. A block is taken as one text, with its source and its target."""

from __future__ import annotations

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec.text_to_text import BartSpec, MassSpec, PrefixLmSpec, T5Spec
from scriptorium.sizes.needs import Layer, Needs
from scriptorium.sizes.parts import FLOAT, Keeps, dimensions

BART_FIRST = 2  # positions begin at 2 (transformers' BartLearnedPositionalEmbedding)
BUCKETS = 32  # of T5's relative positions, for each head, in encoder and decoder


def bart(shape: EncoderSpec, spec: BartSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    """The source at its longest: where nothing is infilled."""
    return _bart(shape, block, block, vocabulary, keeps)


def mass(shape: EncoderSpec, spec: MassSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    return _bart(shape, block, round(spec.fragment.rate * block), vocabulary, keeps)


def t5(shape: EncoderSpec, spec: T5Spec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    hidden = max(1, round(spec.corruption.rate * block))
    spans = hidden if spec.corruption.choice == "tokens" else max(1, round(hidden / spec.corruption.span))
    return _t5(shape, block - hidden + spans + 1, hidden + spans + 1, vocabulary, keeps)


def prefix_lm(shape: EncoderSpec, spec: PrefixLmSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    """The end of the beginning is drawn; half of the text each is its mean."""
    return _t5(shape, block // 2, block - block // 2, vocabulary, keeps)


def _bart(shape: EncoderSpec, source: int, target: int, vocabulary: int, keeps: Keeps) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    attention, feed_forward = 4 * (width * width + width), 2 * width * inner + inner + width
    encoder, decoder = attention + feed_forward + 4 * width, 2 * attention + feed_forward + 6 * width

    def after(rows: int) -> int:
        return keeps.norm(rows, width) + keeps.drops(rows, width)

    reads = Layer(
        kept=keeps.attention(source, source, width, shape.heads)
        + keeps.mask(1, source, source, boolean=True)
        + 2 * after(source)
        + keeps.feed_forward(source, width, inner),
        inputs=FLOAT * source * width,
        inner=keeps.c * source * inner,
    )
    writes = Layer(
        kept=keeps.attention(target, target, width, shape.heads)
        + keeps.mask(1, target, target, boolean=True)
        + keeps.attention(target, source, width, shape.heads)
        + keeps.mask(1, target, source, boolean=True)
        + 3 * after(target)
        + keeps.feed_forward(target, width, inner),
        inputs=FLOAT * target * width,
        inner=keeps.c * target * inner,
    )
    return Needs(
        parameters=table + 2 * (shape.max_positions + BART_FIRST + 2) * width + depth * (encoder + decoder),
        products=depth * (12 * width * width + 4 * width * inner) + table,
        table=table,
        layers=[reads] * depth + [writes] * depth,
        outside=after(source) + after(target) + keeps.casts(target, width) + _seen(source, target),
        predictions=target,
        largest=max(table, encoder, decoder),
        rows=(source, target),
    )


def _t5(shape: EncoderSpec, source: int, target: int, vocabulary: int, keeps: Keeps) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    heads, dropped = shape.heads, keeps.dropout
    attention, feed_forward = 4 * width * width, 2 * width * inner
    encoder, decoder = attention + feed_forward + 2 * width, 2 * attention + feed_forward + 3 * width

    # every layer adds the bias and the mask anew, so each keeps its own sum
    def before(rows: int) -> int:
        return keeps.rms_norm(rows, width) + keeps.drops(rows, width)

    def forward(rows: int) -> int:
        """ReLU keeps its output, and dropout what it leaves of that."""
        return keeps.feed_forward(rows, width, inner, inside=1 + dropped) + keeps.drops(rows, inner)

    reads = Layer(
        kept=keeps.attention(source, source, width, heads)
        + keeps.mask(heads, source, source, boolean=True)
        + 2 * before(source)
        + forward(source),
        inputs=FLOAT * source * width,
        inner=keeps.c * source * inner,
    )
    writes = Layer(
        kept=keeps.attention(target, target, width, heads)
        + keeps.mask(heads, target, target, boolean=True)
        + keeps.attention(target, source, width, heads)
        + keeps.mask(heads, target, source, boolean=True)
        + 3 * before(target)
        + forward(target),
        inputs=FLOAT * target * width,
        inner=keeps.c * target * inner,
    )
    return Needs(
        parameters=table + 2 * BUCKETS * heads + depth * (encoder + decoder) + 2 * width,
        products=depth * (12 * width * width + 4 * width * inner) + table,
        table=table,
        layers=[reads] * depth + [writes] * depth,
        outside=before(source)
        + before(target)
        + keeps.drops(source + target, width)
        + keeps.casts(target, width)
        + _seen(source, target),
        predictions=target,
        largest=max(table, encoder, decoder),
        rows=(source, target),
    )


def _seen(source: int, target: int) -> int:
    """The three masks as bytes."""
    return source * source + target * target + target * source
