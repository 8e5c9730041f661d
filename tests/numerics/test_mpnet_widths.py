"""mpnet-faithful pads as fairseq does: to the longest of 16 blocks of similar length, whatever a step's batch is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scriptorium.models import mpnet
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives import permuted_blocks
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.widths import TOGETHER, widths_of
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import load_tokenizer
from tests import lines, tiny

LENGTH = 40
LAYOUT = {"name": "full-sentences", "sentences": "lines"}
FAITHFUL = {"name": "mpnet", "document_attention": False, "permuted": {"faithful": True}}


class Lengths:
    """Blocks of these lengths, padded to the longest."""

    layout, padded = "full-sentences", True

    def __init__(self, *lengths: int):
        self.lengths, self.length = lengths, max(lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        real = np.arange(self.length) < self.lengths[index]
        return np.where(real, 9, 1).astype(np.int32), np.where(real, 0, -1).astype(np.int32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = lines.packed(
        tmp_path_factory.mktemp("widths"),
        block_length=LENGTH,
        vocabulary="fairseq",
        layout=LAYOUT,
        tokenizer=tiny.tokenizer(),
    )
    return Blocks(folder / "train.arrow"), load_tokenizer(folder / "tokenizer")


def examples_of(corpus) -> permuted_blocks.PermutedBlocks:
    blocks, tokenizer = corpus
    return permuted_blocks.PermutedBlocks(
        blocks, ObjectiveSpec.parse(FAITHFUL), tokenizer, training_draws(0), masks_only=False
    )


def test_a_block_is_as_wide_as_the_longest_of_the_sixteen_that_it_is_sorted_among():
    lengths = np.random.default_rng(0).integers(3, 60, 2 * TOGETHER + 5)
    found, ranked = widths_of(Lengths(*lengths)), np.sort(lengths)
    for width, length in zip(found, lengths, strict=True):
        assert width in {ranked[TOGETHER - 1], ranked[2 * TOGETHER - 1], ranked[-1]}
        assert width >= length
    for number in range(3):
        group = np.argsort(lengths, kind="stable")[number * TOGETHER : (number + 1) * TOGETHER]
        assert set(found[group]) == {lengths[group].max()}


def test_nearly_nothing_is_padding_and_blocks_of_a_step_are_of_similar_width(corpus):
    blocks, _ = corpus
    ours = examples_of(corpus)
    real = np.array([(blocks[index][1] >= 0).sum() for index in range(len(blocks))])
    before, now = 1 - real.sum() / (len(blocks) * LENGTH), 1 - real.sum() / ours.lengths.sum()
    assert now < before / 2, "and with more blocks ever less: 16 of thousands are nearly alike"
    assert np.array_equal(ours.lengths, widths_of(blocks)), "by which the plan puts similar ones together"


def test_the_same_is_hidden_whatever_the_others_of_the_batch_are(corpus):
    ours = examples_of(corpus)
    collate = permuted_blocks.collate(document_attention=False)
    order = np.argsort(ours.lengths)
    short, long = ours[(0, int(order[0]))], ours[(0, int(order[-1]))]
    together, alone = collate([short, long]), collate([short])
    width = len(short["input_ids"])
    assert "document_ids" not in alone, "blocks of one width need no mask"
    assert together["document_ids"][0].tolist() == [0] * width + [-1] * (len(long["input_ids"]) - width)
    assert torch.equal(together["input_ids"][0, :width], alone["input_ids"][0])


def test_a_block_beside_a_wider_one_is_computed_as_in_its_own_batch(corpus):
    ours, (_, tokenizer) = examples_of(corpus), corpus
    collate = permuted_blocks.collate(document_attention=False)
    order = np.argsort(ours.lengths)
    examples = [ours[(0, int(order[0]))], ours[(0, int(order[-1]))]]
    shape = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=32, max_positions=64, dropout=0.0)
    torch.manual_seed(0)
    model = mpnet.build(shape, tokenizer, faithful=True).eval()
    with torch.no_grad():
        both = model(**collate(examples))["losses"]
        single = [model(**collate([example]))["losses"][0] for example in examples]
    for row, expected in zip(both, single, strict=True):
        assert torch.allclose(row[: len(expected)], expected, atol=1e-5)
        assert not row[len(expected) :].any()
