"""Proves the statistics of GLM's blanks: how much is hidden, how long spans are, where; and the row of the paper's
figure."""

from __future__ import annotations

from collections import Counter
from math import exp, factorial

import numpy as np
import pytest

from scriptorium.errors import UserError
from scriptorium.objectives.corruption.blanks import Blanks, Symbols, row
from scriptorium.objectives.corruption.kinds_of_blanks import KindsOfBlanks
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from tests import tiny

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


STOP = tiny.generative(tiny.tokenizer()).convert_tokens_to_ids(".")


def kinds(**settings) -> KindsOfBlanks:
    spec = ObjectiveSpec.parse({"name": "glm", "blanks": settings}).blanks
    return KindsOfBlanks(spec, tiny.generative(tiny.tokenizer()))


def text_of(*sentences: int) -> np.ndarray:
    """A text of sentences of so many tokens, full stop included."""
    return np.concatenate([[*range(10, 9 + tokens), STOP] for tokens in sentences])


def blanks_of(made: KindsOfBlanks, text: np.ndarray, times: int) -> list[list[tuple[int, int]]]:
    """Of every draw the blanks as (begin, length)."""
    found = (made(text, training_draws(0)(0, index)) for index in range(times))
    return [list(zip(begins.tolist(), lengths.tolist(), strict=True)) for begins, lengths in found]


def test_spans_alone_are_drawn_as_if_there_were_no_other_kinds():
    text = text_of(7, 30, 5)
    for index in range(50):
        ours, plain = training_draws(3)(1, index), training_draws(3)(1, index)
        assert all(map(np.array_equal, kinds()(text, ours), blanks()(len(text), plain)))
        assert ours.random() == plain.random(), "what is drawn next is the same too"


def test_sentences_are_whole_and_drawn_until_a_share_of_the_tokens_is_in_them():
    sizes = (4, 9, 2, 6, 12, 3, 8, 5, 7, 4)
    text, budget = text_of(*sizes), int(0.15 * sum(sizes))
    whole = dict(zip(np.cumsum([0, *sizes[:-1]]).tolist(), sizes, strict=True))
    often = Counter()
    draws = blanks_of(kinds(sentences=1), text, 4000)
    for found in draws:
        assert found == sorted(found) and all(whole[begin] == length for begin, length in found)
        lengths = [length for _, length in found]
        assert sum(lengths) >= budget and any(sum(lengths) - length < budget for length in lengths), "no one too many"
        often.update(begin for begin, _ in found)
    assert set(often) == set(whole)
    alone = Counter(found[0][0] for found in draws if len(found) == 1)  # 9 of 60 tokens: the first draw decides
    large = [begin for begin, length in whole.items() if length >= budget]
    assert set(alone) == set(large) and budget == 9
    for begin in large:
        assert abs(alone[begin] / 4000 - 1 / len(sizes)) < 5 * np.sqrt(0.1 * 0.9 / 4000)


def test_sentences_stop_at_the_last_of_their_stops_and_one_of_them_stays():
    text = np.array([10, STOP, STOP, 11, 12, SEP, 13, STOP])
    assert kinds(sentences=1).sentences(text).tolist() == [3, 3, 2]
    for found in blanks_of(kinds(sentences=1, rate=0.5), text_of(1, 9), 100):
        assert len(found) == 1
    single = text_of(20)
    for index in range(20):
        _, lengths = kinds(sentences=1)(single, training_draws(0)(0, index))
        assert lengths.sum() < len(single), "a text of one sentence has spans"


def test_an_end_is_uniform_between_a_share_of_the_text_and_all_of_it():
    for share, least in ((0.5, 10), (0.25, 5), (1.0, 20)):
        found = blanks_of(kinds(ends=1, shortest_end=share), np.arange(10, 30), 4000)
        assert all(len(each) == 1 and sum(each[0]) == 20 for each in found), "one, up to the end"
        often = Counter(length for ((_, length),) in found)
        assert set(often) == set(range(least, 21))
        for count in often.values():
            assert abs(count / 4000 - 1 / len(often)) < 5 * np.sqrt(1 / len(often) / 4000)
    assert blanks_of(kinds(ends=1), np.array([10]), 5) == [[(0, 1)]] * 5


def test_kinds_have_their_shares():
    text = text_of(5, 40, 35)
    found = blanks_of(kinds(sentences=0.3, ends=0.2, shortest_end=0.25, rate=0.01), text, 6000)
    ends = sum(sum(each[0]) == len(text) and each[0][1] >= 20 and each[0][1] != 35 for each in found) / 6000
    sentences = sum(each in ([(0, 5)], [(5, 40)], [(45, 35)]) for each in found) / 6000
    assert abs(ends - 0.2 * 60 / 61) < 5 * np.sqrt(0.2 * 0.8 / 6000)
    # two of the three sentences are longer than nearly all spans; the short one is a span now and then
    assert 0.3 - 5 * np.sqrt(0.3 * 0.7 / 6000) < sentences < 0.3 + 0.03


def test_the_row_of_two_sentences_side_by_side():
    made = row(np.array([11, 12, 13, 14, 15]), np.array([0, 2]), np.array([2, 2]), np.array([1, 0]), SYMBOLS)
    assert made.ids.tolist() == [CLS, MASK, MASK, 15, SEP, CLS, 13, 14, CLS, 11, 12]
    assert made.positions.tolist() == [0, 1, 2, 3, 4, 2, 2, 2, 1, 1, 1]
    assert made.labels.tolist() == [13, 14, SEP, 11, 12, SEP]


def test_kinds_that_cannot_be_are_refused():
    with pytest.raises(UserError, match="blanks: sentences and ends add up to"):
        kinds(sentences=0.6, ends=0.5)
    spec = ObjectiveSpec.parse({"name": "glm", "blanks": {"sentences": 0.1}}).blanks
    with pytest.raises(UserError, match="sentences are to be blanks, but this vocabulary has no full stop"):
        KindsOfBlanks(spec, tiny.tokenizer())
    assert spec.longest_of(512) == 512 and blanks_spec().longest_of(512) == 39


def blanks_spec():
    return ObjectiveSpec.parse({"name": "glm"}).blanks
