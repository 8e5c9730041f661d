"""Proves the statistics of GLM's blanks: how much is hidden, how long spans are, where; and the row of the paper's
figure."""

from __future__ import annotations

from collections import Counter
from math import exp, factorial

import numpy as np
import pytest

from scriptorium.objectives.corruption.blanks import Blanks, Symbols, row
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec

CLS, SEP, MASK = 2, 3, 4
SYMBOLS = Symbols(cls=CLS, mask=MASK, sep=SEP)


def blanks(**settings) -> Blanks:
    return Blanks(ObjectiveSpec.parse({"name": "glm", "blanks": settings}).blanks)


def drawn(made: Blanks, tokens: int, times: int = 1000) -> list[tuple[np.ndarray, np.ndarray]]:
    return [made(tokens, training_draws(0)(0, index)) for index in range(times)]


def test_spans_are_drawn_until_a_share_of_the_tokens_is_in_them():
    budget = int(0.15 * 512)
    totals = np.array([lengths.sum() for _, lengths in drawn(blanks(), 512)])
    assert (totals >= budget).all() and (totals < budget + 12).all(), "only the last span may go beyond"
    # the span that goes beyond has E[L^2] / E[L] = 1 + 3 tokens, for long ones do so more often; half of the others lie
    # behind the budget
    assert abs(totals.mean() - budget - 1.5) < 5 * totals.std() / np.sqrt(len(totals))


def test_lengths_are_poisson_without_0_and_those_above_the_longest():
    for settings, most in (({}, 39), ({"longest": 4}, 4)):
        lengths = blanks(**settings)._drawn(20000, np.random.default_rng(0))
        shares = {size: exp(-3) * 3**size / factorial(size) for size in range(1, most + 1)}
        total, found = sum(shares.values()), Counter(lengths.tolist())
        assert max(found) <= most and min(found) == 1
        for size in range(1, min(most, 9) + 1):
            expected = shares[size] / total
            assert abs(found[size] / 20000 - expected) < 5 * np.sqrt(expected / 20000), size
    assert abs(blanks()._drawn(20000, np.random.default_rng(1)).mean() - 3.157) < 0.06, "docs/papers: about 3.16"


def test_there_is_a_token_between_two_spans_and_none_leaves_the_text():
    for tokens in (7, 20, 60, 512):
        for begins, lengths in drawn(blanks(rate=0.4), tokens, 200):
            ends = begins + lengths
            assert begins[0] >= 0 and ends[-1] <= tokens and (begins[1:] > ends[:-1]).all()


def test_a_span_stands_anywhere_as_often():
    made = [(int(begins[0]), int(lengths[0])) for begins, lengths in drawn(blanks(), 8, 6000)]
    for size in (2, 3):
        found = Counter(begin for begin, length in made if length == size)
        total = found.total()
        assert set(found) == set(range(8 - size + 1))
        for count in found.values():
            assert abs(count / total - 1 / len(found)) < 4.5 * np.sqrt(1 / len(found) / total)


@pytest.mark.parametrize("rate", [0.15, 0.5])
@pytest.mark.parametrize("tokens", range(1, 9))
def test_short_texts_have_a_blank_and_perhaps_nothing_else(rate, tokens):
    made = drawn(blanks(rate=rate), tokens, 300)
    totals = np.array([lengths.sum() for _, lengths in made])
    assert (totals >= 1).all() and (totals <= tokens).all()
    assert (totals == tokens).any(), "a whole short text may be a blank"
    assert all((lengths > 0).all() for _, lengths in made)


def test_the_row_of_the_example_in_the_docs():
    """docs/papers/objectives.md section 5: spans {x3} and {x5, x6}, the second first; [CLS] stands before."""
    text = np.array([11, 12, 13, 14, 15, 16])
    made = row(text, np.array([2, 4]), np.array([1, 2]), np.array([1, 0]), SYMBOLS)
    assert made.ids.tolist() == [CLS, 11, 12, MASK, 14, MASK, SEP, CLS, 15, 16, CLS, 13]
    assert made.positions.tolist() == [0, 1, 2, 3, 4, 5, 6, 5, 5, 5, 3, 3]
    assert made.inside.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 1, 2]
    assert made.labels.tolist() == [15, 16, SEP, 13, SEP]
    assert text.tolist() == [11, 12, 13, 14, 15, 16], "what was given stays"


def test_blanks_longer_than_what_is_hidden_of_a_block_are_refused():
    spec = ObjectiveSpec.parse({"name": "glm"})
    spec.check_length(20, None)
    with pytest.raises(ValueError, match=r"blanks\.span 3 is longer than all that is hidden of 16 tokens, 2\.4"):
        spec.check_length(16, None)
    with pytest.raises(ValueError, match=r"blanks\.rate 0\.15 of 6 tokens is less than one: .* shorter than its noise"):
        spec.check_length(6, None)
    with pytest.raises(ValueError, match=r"65 positions with its \[CLS\] and \[SEP\], model\.max_positions is 64"):
        spec.check_length(64, 64)
