"""Bytes that the parts of a layer keep for the backward pass, for one sequence (ours, counted in torch's own storages).

`measured.py` counts the storages that live after a forward pass of the real models; these forms say which they are.
`c` is the size of what matrix products read: 4 bytes, or 2 under autocast (bf16, fp16), where a product keeps a copy of
its input in half precision, and norms and sums of residuals stay in float32. Attention is of a fused kernel, which
keeps its inputs, its output and one number for each row, and draws dropout from a seed; a dropout's mask is bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from scriptorium.models.spec import EncoderSpec

FLOAT, HALF = 4, 2
ALIGNED = 16  # keys of a mask: torch copies one of another length (`preprocess_mask` of its attention)
ROWS = 32  # the memory-efficient kernel rounds the rows of its one number each


@dataclass(frozen=True)
class Keeps:
    """What is kept under a precision, with dropout or without."""

    mixed: bool
    dropout: bool

    @property
    def c(self) -> int:
        return HALF if self.mixed else FLOAT

    def casts(self, rows: int, width: int, count: int = 1) -> int:
        """Copies in half precision of what so many products read."""
        return HALF * rows * width * count if self.mixed else 0

    def attention(self, rows: int, keys: int, width: int, heads: int, *, fused: bool = False) -> int:
        """Query and output for the rows, key and value for the keys; fused: one product makes all three."""
        projected = self.c * width * 2 * (rows + keys)
        copies = self.casts(rows, width) + (0 if fused else self.casts(keys, width, 2))
        return projected + copies + FLOAT * heads * _up(rows, ROWS)

    def mask(self, heads: int, rows: int, keys: int, *, boolean: bool = False) -> int:
        """The mask's copy that a layer keeps: of one that is bool, float32 under autocast, or of no aligned length."""
        return self.c * heads * rows * _up(keys, ALIGNED) if self._copied(keys, boolean) else 0

    def shared_mask(self, heads: int, rows: int, keys: int) -> int:
        """The mask itself, which all layers keep where they need no copy."""
        return 0 if self._copied(keys, boolean=False) else FLOAT * heads * rows * keys

    def _copied(self, keys: int, boolean: bool) -> bool:
        return boolean or self.mixed or keys % ALIGNED > 0

    def norm(self, rows: int, width: int) -> int:
        """A layer norm: its input, two numbers for each row; its output, where a product reads that as it is."""
        return FLOAT * rows * (width + 2) + (0 if self.mixed else FLOAT * rows * width)

    def rms_norm(self, rows: int, width: int) -> int:
        """RMSNorm as transformers writes it, in several steps: the normalised states are kept beside its input."""
        return self.norm(rows, width) + FLOAT * rows * (width - 1)

    def feed_forward(self, rows: int, width: int, inner: int, *, inside: int = 2, products: int = 1) -> int:
        """So many tensors of the inner width, and the copies that so many products read."""
        return self.casts(rows, width, products) + self.c * inside * rows * inner

    def drops(self, rows: int, width: int, count: int = 1) -> int:
        """Masks of dropout."""
        return rows * width * count if self.dropout else 0


def dimensions(shape: EncoderSpec, vocabulary: int) -> tuple[int, int, int, int]:
    """Width, inner width, layers, and the weights of the table of tokens."""
    return shape.hidden_size, shape.intermediate_size, shape.layers, vocabulary * shape.hidden_size


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
