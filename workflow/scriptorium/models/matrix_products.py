"""Closed forms: floating-point operations of the matrix products of a forward pass, for models that know their own.

A product of [m, k] and [k, n] counts 2 m k n, as in torch's counter; engine/flops.py says what is left out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerWork:
    """What one layer does for one example: so many rows go through it, so many are keys, so many scores are taken."""

    rows: int
    keys: int
    scores: int


def layer_flops(width: int, inner: int, work: LayerWork) -> int:
    """Query and output for the rows, key and value for the keys, both parts of the feed-forward; scores and sums."""
    projections = 2 * width * width * 2 * (work.rows + work.keys)
    feed_forward = 2 * width * inner * 2 * work.rows
    attention = 2 * width * 2 * work.scores
    return projections + feed_forward + attention


def head_flops(width: int, vocabulary: int, predictions: int) -> int:
    """A language model's head on so many rows: a transform of the states, and the decoder."""
    return 2 * predictions * width * (width + vocabulary)
