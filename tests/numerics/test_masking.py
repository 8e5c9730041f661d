"""Proves that masks are exact, of the right mix, and depend on (seed, epoch, index) and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.objectives import masked_blocks, masking
from scriptorium.objectives.draws import held_out_draws, training_draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.spec.masked import BertSpec
from scriptorium.objectives.unigram import log_frequencies, unigram_loss
from scriptorium.text import packing
from scriptorium.text.blocks import Blocks
from tests import tiny

LENGTH = 32


class Silent:
    def metrics(self, step, values):
        pass


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    documents = tiny.documents(folder / "documents.parquet", [5, 40, 3, 90, 1, 1, 1, 200] * 6)
    packing.pack(documents, tiny.tokenizer(), LENGTH, folder, Silent())
    return Blocks(folder / "train.arrow")


def masked(blocks, seed=3, **changes):
    return masked_blocks.MaskedBlocks(blocks, BertSpec(**changes), tiny.tokenizer(), training_draws(seed))


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in ("input_ids", "document_ids", "positions", "labels"))


def test_masks_do_not_depend_on_what_was_asked_before(blocks):
    data = masked(blocks)
    straight = [data[(1, i)] for i in range(len(data))]
    backwards = [masked(blocks)[(1, i)] for i in reversed(range(len(data)))][::-1]
    assert all(map(same, straight, backwards))


@pytest.mark.parametrize(("workers", "batch_size"), [(0, 1), (0, 7), (2, 4)])
def test_masks_do_not_depend_on_workers_or_batch_size(blocks, workers, batch_size):
    data = masked(blocks)
    sampler = EpochSampler(len(data), seed=5)
    sampler.epoch = 2
    loader = DataLoader(
        data,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=masked_blocks.collate(document_attention=True),
    )
    seen = [row for batch in loader for row in zip(*(batch[name] for name in sorted(batch)), strict=True)]
    for (epoch, index), row in zip(sampler, seen, strict=True):
        found = dict(zip(("document_ids", "input_ids", "labels", "positions"), row, strict=True))
        expected = data[(epoch, index)]
        count = len(expected["labels"])
        assert np.array_equal(found["input_ids"], expected["input_ids"])
        assert np.array_equal(found["positions"][:count], expected["positions"])
        assert np.array_equal(found["labels"][:count], expected["labels"])
        assert (found["labels"][count:] == IGNORED).all()


def test_masks_change_with_seed_epoch_and_index():
    start = np.arange(3)
    streams = {
        tuple(training_draws(seed)(epoch, index).integers(2**32, size=4).tolist())
        for seed in start
        for epoch in start
        for index in start
    }
    assert len(streams) == 27


def test_held_out_masks_never_change_and_are_no_training_masks(blocks):
    draws = held_out_draws()
    first, later = (draws(epoch, 4).integers(2**32, size=4).tolist() for epoch in (0, 7))
    assert first == later
    assert all(first != training_draws(seed)(0, 4).integers(2**32, size=4).tolist() for seed in range(20))
    data = [masked_blocks.MaskedBlocks(blocks, BertSpec(), tiny.tokenizer(), held_out_draws()) for _ in "ab"]
    assert same(data[0][3], data[1][3])


@pytest.mark.parametrize("rate", [0.001, 0.15, 0.3, 0.9])
def test_every_block_predicts_the_exact_share_of_its_ordinary_tokens(blocks, rate):
    data = masked(blocks, rate=rate)
    for index in range(len(data)):
        ordinary = int((blocks[index][0] >= len(tiny.SPECIAL)).sum())
        positions = data[(0, index)]["positions"]
        assert len(positions) == max(1, round(rate * ordinary))
        assert (np.diff(positions) > 0).all()


def test_special_tokens_are_neither_predicted_nor_drawn(blocks):
    data = masked(blocks, rate=0.5, mask=0.0, random=1.0)
    mask_id = tiny.tokenizer().mask_token_id
    for index in range(len(data)):
        example = data[(0, index)]
        assert (example["labels"] >= len(tiny.SPECIAL)).all()
        assert (example["input_ids"][example["positions"]] >= len(tiny.SPECIAL)).all()
        assert mask_id not in example["input_ids"]


def test_labels_are_the_true_tokens_and_nothing_else_changes(blocks):
    data = masked(blocks)
    for index in range(len(data)):
        true, example = blocks[index][0], data[(4, index)]
        assert np.array_equal(example["labels"], true[example["positions"]])
        untouched = np.setdiff1d(np.arange(LENGTH), example["positions"])
        assert np.array_equal(example["input_ids"][untouched], true[untouched])


def test_corruption_is_80_10_10_within_a_point():
    generator = np.random.default_rng(0)
    ordinary = np.arange(1000, 31000)
    tokens = generator.choice(ordinary, 100_000)
    seen = masking.corrupt(tokens, mask_id=4, ordinary=ordinary, mask=0.8, random=0.1, generator=generator)
    kept, hidden = (seen == tokens).mean(), (seen == 4).mean()
    assert hidden == pytest.approx(0.8, abs=0.01)
    assert kept == pytest.approx(0.1, abs=0.01)
    drawn = seen[(seen != tokens) & (seen != 4)]
    assert len(drawn) / len(tokens) == pytest.approx(0.1, abs=0.01)
    assert drawn.min() >= 1000
    assert np.bincount((drawn - 1000) // 3000, minlength=10) / len(drawn) == pytest.approx(np.full(10, 0.1), abs=0.01)


def test_corrupted_tokens_keep_their_type():
    """The vocabulary's numbers are wider than those of blocks."""
    tokens = np.arange(10, 40, dtype=np.int32)
    ordinary, generator = np.arange(10, 90, dtype=np.int64), np.random.default_rng(0)
    seen = masking.corrupt(tokens, mask_id=4, ordinary=ordinary, mask=0.5, random=0.5, generator=generator)
    assert seen.dtype == tokens.dtype


def test_positions_are_drawn_evenly():
    maskable = np.ones(20, dtype=bool)
    maskable[[0, 7]] = False
    counts = np.zeros(20)
    for index in range(4000):
        counts[masking.choose(maskable, 3, training_draws(0)(0, index))] += 1
    assert counts[~maskable].tolist() == [0, 0]
    assert counts[maskable] / 4000 == pytest.approx(np.full(18, 3 / 18), abs=0.025)


def test_document_ids_are_left_out_when_attention_is_not_restricted(blocks):
    examples = [masked(blocks)[(0, 0)]]
    assert "document_ids" in masked_blocks.collate(document_attention=True)(examples)
    assert "document_ids" not in masked_blocks.collate(document_attention=False)(examples)


def test_unigram_loss_is_the_loss_of_guessing_by_frequency(blocks):
    data = masked(blocks)
    counts = np.bincount(np.concatenate([blocks[i][0] for i in range(len(blocks))]), minlength=100)
    counts[: len(tiny.SPECIAL)] = 0
    guess = torch.log(torch.tensor((counts + 1) / (counts + 1).sum()))
    labels = torch.cat([torch.from_numpy(data[i]["labels"].astype(np.int64)) for i in range(len(data))])
    expected = torch.nn.functional.cross_entropy(guess.expand(len(labels), -1), labels).item()
    found = log_frequencies(blocks, tiny.tokenizer())
    assert np.exp(found).sum() == pytest.approx(1)
    assert unigram_loss(data, found) == pytest.approx(expected, rel=1e-9)


def test_shares_above_one_are_refused():
    with pytest.raises(UserError, match="add up to more than 1"):
        ObjectiveSpec.parse({"mask": 0.8, "random": 0.3})
