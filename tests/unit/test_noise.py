"""Proves the statistics of BART's noises: what is hidden, how long spans are and where, how sentences are ordered."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from scriptorium.errors import UserError
from scriptorium.objectives.corruption.noise import Noise
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from tests import tiny
from tests.numerics.test_mpnet_objective import wordpiece

UNK, SEP, MASK, SPECIAL = 1, 3, 4, 5
NOTHING = {"permute_sentences": 0, "tokens": None, "rotate": 0}
TOKENIZER = tiny.generative(tiny.tokenizer())
STOP = TOKENIZER.convert_tokens_to_ids(".")
WORDS = np.arange(SPECIAL, SPECIAL + 80, dtype=np.int32)  # eighty different words


def noise(tokenizer=TOKENIZER, **settings) -> Noise:
    return Noise(ObjectiveSpec.parse({"name": "bart", "noise": NOTHING | settings}).noise, tokenizer)


def many(made: Noise, text: np.ndarray, times: int = 300) -> list[np.ndarray]:
    draws = training_draws(0)
    return [made(text, draws(0, index)) for index in range(times)]


def hidden_runs(text: np.ndarray, noised: np.ndarray) -> list[int]:
    """Of every mask the number of words that it stands for, from a text of different words."""
    runs, place = [], 0
    for token, following in itertools.zip_longest(noised, noised[1:], fillvalue=None):
        if token == MASK:
            if following == MASK:
                return []  # two masks side by side: who hides what cannot be told
            end = len(text) if following is None else int(np.flatnonzero(text == following)[0])
            runs.append(end - place)
            place = end
        else:
            place = int(np.flatnonzero(text == token)[0]) + 1
    return runs


def test_masking_hides_ceil_of_the_rate_and_deletion_takes_the_same_words_away():
    masked, deleted = (many(noise(tokens=tokens, rate=0.31), WORDS) for tokens in ("mask", "delete"))
    counts = np.zeros(len(WORDS))
    for one, other in zip(masked, deleted, strict=True):
        assert (one == MASK).sum() == 25 == len(WORDS) - len(other), "ceil(.31 x 80)"
        assert np.array_equal(one[one != MASK], other) and np.array_equal(one[one != MASK], WORDS[one != MASK])
        counts += one == MASK
    expected = 25 / 80
    assert (np.abs(counts / 300 - expected) < 4.5 * np.sqrt(expected * (1 - expected) / 300)).all(), "everywhere alike"


def test_infilling_hides_the_budget_in_poisson_spans_and_inserts_masks():
    """Spans drawn from a long text: lengths are Poisson(3) but for the last, which is cut, and some hide nothing."""
    made = noise(tokens="infill", rate=0.3, span=3)
    lengths = [made.span_lengths(30_000, training_draws(0)(0, index)) for index in range(3)]
    assert all(own.sum() == 30_000 for own in lengths)
    found, total = np.concatenate(lengths), sum(map(len, lengths))
    poisson = np.exp(-3.0) * np.cumprod([1, *(3.0 / np.arange(1, 9))])
    for size, expected in enumerate(poisson):
        assert abs((found == size).mean() - expected) < 4 * np.sqrt(expected / total), size
    assert abs(found.mean() - 3) < 4 * np.sqrt(3 / total)
    runs = [hidden_runs(WORDS, one) for one in many(made, WORDS)]
    told = [own for own in runs if own]
    assert len(told) > 60 and all(sum(own) == 24 for own in told), "ceil(.3 x 80), each span one mask"
    assert 0 in set(itertools.chain.from_iterable(told)), "a span of no words inserts a mask"


def test_every_arrangement_of_spans_is_as_likely():
    """Of four words one is hidden, in a span of its own: four places, and four again with a mask that hides nothing."""
    made = noise(tokens="infill", rate=0.25, span=50)  # so long that every span takes all there is
    places = Counter(int(np.flatnonzero(one == MASK)[0]) for one in many(made, WORDS[:4], 2000))
    assert set(places) == {0, 1, 2, 3}
    assert all(abs(count / 2000 - 0.25) < 4 * np.sqrt(0.1875 / 2000) for count in places.values())


@pytest.mark.parametrize("tokens", ["mask", "delete", "infill"])
def test_one_word_stays_and_special_tokens_are_neither_hidden_nor_counted(tokens):
    made = noise(tokens=tokens, rate=0.9)
    text = np.array([UNK, 10, 11, SEP, 12, UNK], dtype=np.int32)
    for one in many(made, text):
        assert [token for token in one if token in (UNK, SEP)] == [UNK, SEP, UNK]
        assert ((one >= SPECIAL) & (one != MASK)).sum() == 1
        assert len(one) <= len(text)
    for alone in (WORDS[:1], np.array([UNK, SEP], dtype=np.int32)):
        assert all(np.array_equal(one, alone) for one in many(made, alone, 20))


def test_words_are_hidden_whole():
    tokenizer = wordpiece()
    ids = tokenizer("word1ab word2 word3c word4de word5", add_special_tokens=False).input_ids
    names = tokenizer.convert_ids_to_tokens(ids)
    words = [list(own) for _, own in itertools.groupby(np.cumsum([not name.startswith("##") for name in names]))]
    assert len(words) == 5 and max(map(len, words)) == 3
    text = np.array(ids, dtype=np.int32)
    for one in many(noise(tokenizer, tokens="mask", rate=0.4), text):
        masks, start, split = one == tokenizer.mask_token_id, 0, []
        for word in words:
            split.append(masks[start : start + len(word)].mean())
            start += len(word)
        assert set(split) == {0, 1} and sum(split) == 2
    pieces = [one == tokenizer.mask_token_id for one in many(noise(tokenizer, tokens="mask", whole_words=False), text)]
    assert all(masks.sum() == int(np.ceil(0.3 * len(ids))) for masks in pieces)


def test_sentences_take_every_order_and_end_behind_their_last_full_stop():
    text = np.array([10, STOP, STOP, 11, 12, STOP, 13], dtype=np.int32)
    sentences = [(10, STOP, STOP), (11, 12, STOP), (13,)]
    expected = {sum(order, ()) for order in itertools.permutations(sentences)}
    found = Counter(tuple(one.tolist()) for one in many(noise(permute_sentences=1), text, 1200))
    assert set(found) == expected
    assert all(abs(count / 1200 - 1 / 6) < 4.5 * np.sqrt(5 / 36 / 1200) for count in found.values())
    some = noise(permute_sentences=0.5)  # two of the three
    moved = {sum(a != b for a, b in zip(one.tolist(), text.tolist(), strict=True)) for one in many(some, text, 100)}
    assert 0 in moved and len(moved) > 1


def test_rotation_begins_at_every_token_as_often():
    found = Counter(int(one[0]) for one in many(noise(rotate=1), WORDS[:8], 2000))
    assert set(found) == set(WORDS[:8].tolist())
    assert all(abs(count / 2000 - 1 / 8) < 4.5 * np.sqrt(7 / 64 / 2000) for count in found.values())
    for one in many(noise(rotate=1), WORDS[:8], 50):
        assert np.array_equal(np.roll(WORDS[:8], -int(one[0] - SPECIAL)), one)
    half = sum(not np.array_equal(one, WORDS) for one in many(noise(rotate=0.5), WORDS, 1000)) / 1000
    assert abs(half - 0.5 * 79 / 80) < 4 * np.sqrt(0.25 / 1000)


def test_noises_are_composed_sentences_first_then_tokens_then_rotation():
    text = np.array([10, 11, STOP, 12, 13, STOP], dtype=np.int32)
    every = {"permute_sentences": 1, "tokens": "mask", "rate": 0.3, "rotate": 1}
    made = noise(**every)
    for index in range(50):
        generator = training_draws(0)(0, index)
        expected = made.without_words(made.permuted(text, generator), generator)
        assert generator.random() < 1
        expected = np.roll(expected, -int(generator.integers(len(expected))))
        assert np.array_equal(made(text, training_draws(0)(0, index)), expected)


def test_a_share_of_the_masks_is_a_random_token():
    drawn = np.concatenate(many(noise(tokens="mask", rate=0.5, random=0.1), WORDS))
    changed = drawn[drawn != np.tile(WORDS, 300)]
    assert abs((changed != MASK).mean() - 0.1) < 0.01
    assert (changed[changed != MASK] >= SPECIAL).all()


def test_faults_of_noise_are_told():
    with pytest.raises(UserError, match="no full stop"):
        noise(tiny.tokenizer(), permute_sentences=1)
    with pytest.raises(Exception, match="nothing is corrupted"):
        noise()
    spec = ObjectiveSpec.parse({"name": "bart"})
    with pytest.raises(ValueError, match=r"span 3 is longer .* 2\.4: the text is shorter than its noise"):
        spec.check_length(8, None)
    rare = ObjectiveSpec.parse({"name": "bart", "noise": {"tokens": "mask", "rate": 0.05}})
    with pytest.raises(ValueError, match="less than one: the text is shorter than its noise"):
        rare.check_length(16, None)
    with pytest.raises(ValueError, match=r"65 positions .* model.max_positions is 64"):
        spec.check_length(64, 64)


def test_a_text_is_corrupted_as_it_always_was():
    """Golden: what a draw gives must not change, or a run that goes on would read other texts than it began with."""
    made = Noise(ObjectiveSpec.parse({"name": "bart"}).noise, TOKENIZER)
    text = np.array([10, 11, UNK, 12, 13, STOP, 14, 15, 16, SEP, 17, STOP, 18, 19], dtype=np.int32)
    assert [made(text, training_draws(0)(0, index)).tolist() for index in range(4)] == [
        [17, STOP, 10, 11, UNK, MASK, MASK, 15, 16, SEP, 18, 19, MASK],
        [MASK, 19, 14, 15, 16, SEP, MASK, STOP, 10, 11, UNK, 12, MASK],
        [14, 15, 16, SEP, 17, STOP, MASK, UNK, 12, 13, STOP],
        [10, MASK, UNK, 14, 15, 16, SEP, 18, 19, 17, STOP],
    ]
