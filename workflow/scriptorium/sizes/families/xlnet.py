"""XLNet on transformers' body, whose attention is no fused kernel: both streams keep their weights, heads x L x L."""

from __future__ import annotations

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec.permuted import XlnetSpec
from scriptorium.sizes.needs import Layer, Needs
from scriptorium.sizes.parts import FLOAT, Keeps, dimensions


def xlnet(shape: EncoderSpec, spec: XlnetSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    """Queries exist for predicted places only, but attention spreads them over all rows of the block."""
    width, inner, depth, table = dimensions(shape, vocabulary)
    rows = max(1, int(spec.spans.most * block))
    scores = shape.heads * block * block
    weights = FLOAT * scores + (keeps.c * scores if keeps.dropout or keeps.mixed else 0) + keeps.drops(1, scores)
    products = 5 * width * width + 2 * width * inner
    own = products + 10 * width + inner  # biases of content, position and segment, segments, norms, feed-forward

    relative = keeps.c * 2 * block * width  # of positions, for every sequence

    def inside(count: int) -> int:
        """Feed-forward and the masks of dropout in a stream of so many rows."""
        return keeps.c * 2 * count * inner + keeps.drops(count, inner + 2 * width)

    def states(tensors: int, norms: int, count: int) -> int:
        """Tensors of the width: what products read, and under autocast the inputs of norms in float32."""
        return count * width * (keeps.c * tensors + (FLOAT * norms if keeps.mixed else 0))

    queries = states(3 if keeps.mixed else 5, 2, rows) + inside(rows) + 2 * keeps.casts(rows, block)
    whole = Layer(
        kept=2 * weights + states(11, 4, block) + relative + queries + inside(block),
        inputs=FLOAT * (block + rows) * width,
        inner=3 * FLOAT * scores,  # scores, softmax and shifted positions have a gradient each
    )
    # nobody reads the last layer's content stream, so torch lets go of its attention and feed-forward
    last = Layer(
        kept=weights + states(6 if keeps.mixed else 5, 2, block) + relative + queries,
        inputs=FLOAT * (block + rows) * width,
        inner=3 * FLOAT * scores,  # scores, softmax and shifted positions have a gradient each
    )
    return Needs(
        parameters=table + width + depth * own + vocabulary,
        products=depth * products + table,
        table=table,
        layers=[*[whole] * (depth - 1), last],
        outside=FLOAT * (rows * block + 2 * block * width) + keeps.drops(block, width),
        predictions=rows,
        largest=max(table, own),
    )
