"""Proves the statistics of MASS's fragment: how long it is, where it stands, by what it is replaced."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from scriptorium.objectives.corruption.fragment import Fragment
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from tests import tiny

CLS, SEP, MASK = 2, 3, 4
TEXT = np.arange(10, 72)  # with [CLS] and [SEP] 64 tokens


def fragment(**settings) -> Fragment:
    return Fragment(ObjectiveSpec.parse({"name": "mass", "fragment": settings}).fragment, tiny.tokenizer())


def made(times: int = 2000, text: np.ndarray = TEXT, **settings):
    chosen = fragment(**settings)
    return [chosen(text, training_draws(0)(0, index)) for index in range(times)]


def test_half_of_a_text_and_its_symbols_is_hidden_in_a_row_and_written():
    whole = np.array([CLS, *TEXT, SEP])
    for hidden in made(300):
        start = hidden.places[0] + 1
        assert len(hidden.written) == len(hidden.read) == 32
        assert np.array_equal(hidden.places, np.arange(start - 1, start + 31)) and start >= 1
        assert np.array_equal(hidden.written, whole[start : start + 32])
        assert np.array_equal(hidden.read, whole[hidden.places]), "each token behind the one before it"
        seen = np.delete(np.arange(64), np.arange(start, start + 32))
        assert np.array_equal(hidden.source[seen], whole[seen]) and len(hidden.source) == 64


def test_a_fifth_of_the_fragments_begins_a_text_a_fifth_ends_it_and_all_others_stand_anywhere():
    starts = Counter(int(hidden.places[0]) + 1 for hidden in made(6000))
    assert set(starts) == set(range(1, 33))
    for start, count in starts.items():
        expected = 0.6 / 32 + (0.2 if start in (1, 32) else 0)
        assert abs(count / 6000 - expected) < 4.5 * np.sqrt(expected / 6000), start
    anywhere = Counter(int(hidden.places[0]) + 1 for hidden in made(6000, first=0, last=0))
    assert all(abs(count / 6000 - 1 / 32) < 4.5 * np.sqrt(1 / 32 / 6000) for count in anywhere.values())


def test_hidden_tokens_are_masks_random_tokens_and_themselves():
    shares = Counter()
    for hidden in made(1000):
        replaced = hidden.source[hidden.places + 1]
        shares["mask"] += (replaced == MASK).sum()
        shares["same"] += (replaced == hidden.written).sum()
        shares["random"] += ((replaced != MASK) & (replaced != hidden.written)).sum()
        assert (replaced >= MASK).all() or SEP in hidden.written, "random tokens are ordinary ones"
    total = shares.total()
    for name, expected in (("mask", 0.8), ("same", 0.1 + 0.1 / 95), ("random", 0.1 - 0.1 / 95)):
        assert abs(shares[name] / total - expected) < 5 * np.sqrt(expected / total), name
    (masked, *_) = made(1, mask=1, random=0)
    assert (masked.source[masked.places + 1] == MASK).all()


@pytest.mark.parametrize("rate", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("tokens", [1, 2, 3, 9])
def test_short_texts_hide_something_and_never_their_first_symbol(rate, tokens):
    for hidden in made(60, TEXT[:tokens], rate=rate):
        assert 1 <= len(hidden.written) <= tokens + 1
        assert hidden.source[0] == CLS and hidden.places[0] >= 0


def test_shares_above_one_and_texts_shorter_than_the_noise_are_refused():
    for wrong, told in (({"first": 0.7, "last": 0.4}, "first and last"), ({"mask": 0.95}, "mask and random")):
        with pytest.raises(Exception, match=f"fragment: {told} add up to 1.* more than 1"):
            fragment(**wrong)
    spec = ObjectiveSpec.parse({"name": "mass", "fragment": {"rate": 0.01}})
    with pytest.raises(ValueError, match=r"fragment\.rate 0\.01 of 64 tokens is less than one: .* shorter than its"):
        spec.check_length(64, None)
    with pytest.raises(ValueError, match=r"65 positions with its \[CLS\] and \[SEP\], model\.max_positions is 64"):
        ObjectiveSpec.parse({"name": "mass"}).check_length(64, 64)
