"""Proves the statistics of T5's span corruption: how much is hidden, in how many spans, how long, and where."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from scriptorium.objectives.corruption.spans import SpanCorruption, parts
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec

SENTINELS, SEP = list(range(1200, 1000, -1)), 3
TEXT = np.arange(10, 578)  # the paper's 568 raw tokens


def corruption(**settings) -> SpanCorruption:
    return SpanCorruption(ObjectiveSpec.parse({"name": "t5", "corruption": settings}).corruption, SENTINELS, SEP)


def masks(made: SpanCorruption, length: int, times: int = 400) -> np.ndarray:
    return np.array([made.hidden(length, training_draws(0)(0, index)) for index in range(times)])


def runs(hidden: np.ndarray) -> np.ndarray:
    """Lengths of the spans."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden.astype(int), [0]])))
    return edges[1::2] - edges[::2]


def test_568_tokens_give_inputs_of_512_and_targets_of_114_as_in_the_paper():
    for index in range(20):
        source, target = corruption()(TEXT, training_draws(0)(0, index))
        assert (len(source), len(target)) == (512, 114 + 1), "one more sentinel at the end, which 114 leaves out"


def test_counts_are_exact_and_spans_have_every_length_as_a_random_split_has():
    hidden = masks(corruption(), 568)
    assert (hidden.sum(1) == round(0.15 * 568)).all() and not hidden[:, 0].any(), "kept text comes first"
    lengths = [runs(row) for row in hidden]
    assert {len(own) for own in lengths} == {28} and {int(own.sum()) for own in lengths} == {85}
    found = Counter(np.concatenate(lengths).tolist())
    total = sum(found.values())
    for size in range(1, 8):  # 85 in 28 parts: C(84 - size, 26) of C(84, 27)
        expected = 27 / 84 * np.prod([(58 - number) / (84 - 1 - number) for number in range(size - 1)])
        assert abs(found[size] / total - expected) < 5 * np.sqrt(expected / total), size


def test_a_split_is_any_split_as_often():
    found = Counter(tuple(parts(5, 3, training_draws(0)(0, index)).tolist()) for index in range(3000))
    assert set(found) == {(1, 1, 3), (1, 3, 1), (3, 1, 1), (1, 2, 2), (2, 1, 2), (2, 2, 1)}
    assert all(abs(count / 3000 - 1 / 6) < 4.5 * np.sqrt(5 / 36 / 3000) for count in found.values())


def test_single_tokens_are_hidden_independently():
    hidden = masks(corruption(choice="tokens"), 568)
    assert abs(hidden.mean() - 0.15) < 4 * np.sqrt(0.1275 / hidden.size)
    both = (hidden[:, 1:] & hidden[:, :-1]).mean()
    assert abs(both - 0.0225) < 5 * np.sqrt(0.0225 / hidden.size)


@pytest.mark.parametrize("choice", ["spans", "tokens"])
def test_short_texts_keep_a_token_and_hide_one(choice):
    for length in range(2, 9):
        hidden = masks(corruption(choice=choice, rate=0.6, span=1), length, 60)
        assert (hidden.sum(1) >= 1).all() and (hidden.sum(1) <= length - 1).all()
    source, target = corruption(choice=choice)(TEXT[:1], training_draws(0)(0, 0))
    assert source.tolist() == [10, SEP] and target.tolist() == [1200, SEP]
