"""MPNet and its ablations: two streams in one encoder, under a bias by relative position that all layers share."""

from __future__ import annotations

from dataclasses import dataclass

from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec.permuted import PermutedBlocksSpec
from scriptorium.sizes.families.encoders import embedded, head, head_parameters, layer_parameters, layer_products
from scriptorium.sizes.needs import Layer, Needs
from scriptorium.sizes.parts import FLOAT, Keeps, dimensions

FIRST = 2  # the number of the first position (models/positions.py)
BUCKETS = 32  # of relative positions, for each head


@dataclass(frozen=True)
class Rows:
    """So many rows of which `content` are keys; the first `open` see one another in a call of their own."""

    rows: int
    content: int
    open: int


def mpnet(shape: EncoderSpec, spec: PermutedBlocksSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    count = _predicted(spec, block)
    read = count * (2 if spec.permuted.mask_rows else 1)
    return _two_streams(shape, spec, Rows(block + 2 * count, block + count, block), read, block, vocabulary, keeps)


def plm(shape: EncoderSpec, spec: PermutedBlocksSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    count = _predicted(spec, block)
    return _two_streams(shape, spec, Rows(block + count, block, 0), count, block, vocabulary, keeps)


def mlm(shape: EncoderSpec, spec: PermutedBlocksSpec, block: int, vocabulary: int, keeps: Keeps) -> Needs:
    return _two_streams(shape, spec, Rows(block, block, block), _predicted(spec, block), block, vocabulary, keeps)


def _predicted(spec: PermutedBlocksSpec, block: int) -> int:
    return max(1, round(spec.rate * block))


def _two_streams(
    shape: EncoderSpec, spec: PermutedBlocksSpec, at: Rows, read: int, block: int, vocabulary: int, keeps: Keeps
) -> Needs:
    width, inner, depth, table = dimensions(shape, vocabulary)
    heads = shape.heads if spec.permuted.relative else 1
    masks = _Masks(at, heads, spec.permuted.relative, spec.document_attention, keeps)
    whole = Layer(
        kept=_layer(shape, at.rows, at, keeps) + masks.of_sequence,
        inputs=FLOAT * at.rows * width,
        once=masks.once,
        inner=keeps.c * at.rows * inner,
    )
    last_mask = keeps.mask(heads, read, at.content) if masks.last else 0
    last = Layer(
        kept=_layer(shape, read, at, keeps) + last_mask + (0 if keeps.mixed else FLOAT * read * width),
        inputs=FLOAT * at.rows * width,
        inner=keeps.c * read * inner,
    )
    parameters = (
        table
        + (shape.max_positions + FIRST + 2) * width
        + BUCKETS * shape.heads
        + depth * layer_parameters(width, inner)
        + head_parameters(width, vocabulary)
    )
    return Needs(
        parameters=parameters,
        products=depth * layer_products(width, inner) + width * width + table,
        table=table,
        layers=[*[whole] * (depth - 1), last],
        outside=embedded(at.rows, width, keeps)
        + int(head(read, width, keeps))
        + masks.shared
        + (keeps.shared_mask(heads, read, at.content) if masks.last else 0),
        predictions=read,
        largest=max(table, layer_parameters(width, inner)),
        once=masks.shared_once,
        masks=masks.copied,
    )


def _layer(shape: EncoderSpec, rows: int, at: Rows, keeps: Keeps) -> int:
    """All but the masks. Parts of attention are put together, which copies them; keys that are some of the rows too."""
    width = shape.hidden_size
    together = keeps.c * rows * width
    keys = FLOAT * at.content * width if at.content < at.rows and not keeps.mixed else 0
    return (
        keeps.attention(rows, at.content, width, shape.heads)
        + together
        + keys
        + 2 * (keeps.norm(rows, width) + keeps.drops(rows, width))
        + keeps.feed_forward(rows, width, shape.intermediate_size)
    )


class _Masks:
    """Masks of the calls: open rows among themselves, the others under the rule. All layers read the same."""

    def __init__(self, at: Rows, heads: int, relative: bool, documents: bool, keeps: Keeps):
        others = at.rows - at.open
        opened = keeps.mask(heads, at.open, at.open) if at.open and (relative or documents) else 0
        rule = keeps.mask(heads, others, at.content) if others else 0
        first = keeps.shared_mask(heads, at.open, at.open) if at.open and (relative or documents) else 0
        second = keeps.shared_mask(heads, others, at.content) if others else 0
        # without documents the bias of open rows is the same for all sequences
        self.of_sequence, self.once = (rule + opened, 0) if documents else (rule, opened)
        self.shared, self.shared_once = (second + first, 0) if documents else (second, first)
        first = FLOAT * heads * at.open**2 if at.open and documents else 0
        self.copied = FLOAT * heads * others * at.content + first - self.shared
        self.last = relative or documents or bool(others and at.open < at.content)
