"""The peers of BART and T5 in the bench: their corruptions lose nothing that counts, and both sides' loops run."""

from __future__ import annotations

import random

import pytest

from scriptorium.bench import pretrain, pretrain_denoising, pretrain_sides
from scriptorium.bench.pretrain_denoising import collapsed, infilled, permuted, spans_out
from scriptorium.bench.pretrain_sides import Shape
from tests import tiny

MASK, STOP = 4, 9
IDS = [*range(20, 60)]
TINY = Shape(layers=1, width=16, heads=2, batch_size=4, length=32, steps=1)


def test_runs_of_hidden_tokens_become_one_symbol_each():
    assert collapsed([1, 2, 3, 4, 5], [True, False, True, True, False], lambda number: 90 + number) == [90, 2, 91, 5]


def test_the_peers_hide_as_much_as_ours():
    draw = random.Random(0)
    for _ in range(50):
        made = infilled(IDS, MASK, draw)
        assert 12 <= len(IDS) - sum(token != MASK for token in made) <= 12 + 30
        assert [token for token in made if token != MASK] == sorted(set(made) - {MASK})
        source, target = spans_out([99, 98, 97, 96, 95, 94, 93], IDS, draw)
        told = [token for token in source if token < 90] + [token for token in target if token < 90]
        assert sorted(told) == IDS, "what is not in the source is in the target"
        assert 6 <= sum(token < 90 for token in target) <= 8
        assert [token for token in source if token > 90] == sorted({token for token in source if token > 90})[::-1]
    assert sorted(permuted([1, STOP, 2, 3, STOP, 4], STOP, draw)) == [1, 2, 3, 4, STOP, STOP]


class Enough(Exception):
    """The loop has made its steps."""


class Counting:
    """A gate that ends the loop it is in behind some batches, in the process of the test."""

    def __init__(self, batches: int):
        self.batches, self.counts = batches, []

    def collator(self, collate, count):
        def counted(examples):
            if len(self.counts) == self.batches:
                raise Enough
            batch = collate(examples)
            self.counts.append(count(batch))
            return batch

        return counted

    def timed(self, *_):
        """Nothing is timed here."""


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    """Packed blocks with their tokenizer, which has a full stop."""
    root = tmp_path_factory.mktemp("bench")
    folder = tiny.packed(root, block_length=32)
    tokenizer = tiny.tokenizer()
    tokenizer.add_tokens(["."])
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder


@pytest.mark.parametrize("objective", ["bart", "t5"])
def test_both_sides_train_and_count_their_real_tokens(blocks, objective):
    texts = [" ".join(tiny.WORDS[start : start + 9]) + " ." for start in range(0, 80, 2)]
    gates = Counting(3), Counting(3)
    with pytest.raises(Enough):
        pretrain_denoising.transformers_denoising(gates[0], blocks, texts, TINY.model_dump(), objective=objective)
    with pytest.raises(Enough):
        pretrain_sides.ours(gates[1], blocks, TINY.model_dump(), objective)
    lines, block = 4 * 12, 4 * 32  # with [CLS] and [SEP]; some are hidden in the source, all or some in the target
    for gate, size in zip(gates, (lines, block), strict=True):
        assert len(gate.counts) == 3
        assert all(0.6 * size < count < 2.6 * size for count in gate.counts)


def test_corruption_is_measured_on_our_own_data_path(blocks):
    rates = pretrain_denoising.corruption_rates(blocks, TINY, "bart", 2, examples=3)
    assert len(rates) == 2 and min(rates) > 0
    assert (pretrain.DENOISING_TARGET, pretrain.CORRUPTION_TARGET) == (1.5, 200_000)
