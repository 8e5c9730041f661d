"""Proves that the closed form of a step's FLOPs is what torch's own counter finds on a real pass."""

from __future__ import annotations

import pytest
import torch

from scriptorium.engine import flops
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import load_tokenizer
from tests import tiny

LENGTH = 32
SHAPE = EncoderSpec(hidden_size=16, layers=3, heads=2, intermediate_size=40, max_positions=64, dropout=0.1)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    folder = tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH, vocabulary="fairseq")
    return Blocks(folder / "train.arrow"), load_tokenizer(folder / "tokenizer")


def made(blocks, **settings):
    torch.manual_seed(0)
    train, tokenizer = blocks
    objective = build(SHAPE, ObjectiveSpec.parse(settings), tokenizer)
    data = objective.hide(train, training_draws(0))
    return objective.model, objective.collate([data[(0, i)] for i in range(3)])


@pytest.mark.parametrize("document_attention", [True, False])
@pytest.mark.parametrize("name", ["bert", "roberta", "gpt2", "llama", "mpnet", "plm", "mlm-permuted"])
@pytest.mark.parametrize("form", ["split", "dense"])
def test_the_closed_form_equals_torchs_counter(blocks, name, form, document_attention):
    model, batch = made(blocks, name=name, document_attention=document_attention)
    model.config.form = form
    assert model.forward_flops is not None
    assert flops.of(model, batch) == flops.counted(model, batch) > 0


@pytest.mark.parametrize("permuted", [{"mask_rows": 0.5}, {"relative": False}, {"faithful": True}])
def test_the_closed_form_knows_mpnets_variants(blocks, permuted):
    model, batch = made(blocks, name="mpnet", permuted=permuted)
    assert flops.of(model, batch) == flops.counted(model, batch)


@pytest.mark.parametrize("name", ["bert", "mpnet"])
def test_a_frozen_encoder_costs_no_backward_pass(blocks, name):
    model, batch = made(blocks, name=name)
    before = flops.of(model, batch)
    model.base_model.requires_grad_(False)
    assert before / 3 < flops.of(model, batch) < before / 2


def test_a_step_by_hand(blocks):
    """One layer, all rows: 2 (4 d^2 + 2 d m) n + 4 d n^2; last layer: queries and outputs of the predicted alone."""
    model, batch = made(blocks)
    n, k, d, m, v = LENGTH, batch["positions"].shape[1], 16, 40, model.config.vocab_size
    layer = 2 * (4 * d * d + 2 * d * m) * n + 4 * d * n * n
    last = 2 * (2 * d * d + 2 * d * m) * k + 2 * 2 * d * d * n + 4 * d * k * n
    head = 2 * k * d * (d + v)
    assert flops.of(model, batch) == 3 * 3 * (2 * layer + last + head), "three blocks, three passes"


def test_counting_leaves_no_trace(blocks):
    model, batch = made(blocks)
    before = torch.get_rng_state()
    model.eval()
    flops.counted(model, batch)
    assert torch.equal(torch.get_rng_state(), before)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
