"""Proves that Muon has exactly the hidden matrices, is torch's Muon, and resumes to the bit together with AdamW."""

from __future__ import annotations

import pytest
import torch

from scriptorium.engine import optimizers
from scriptorium.engine.spec import TrainSpec
from scriptorium.errors import Interrupted, UserError
from scriptorium.models import mlm
from scriptorium.models.mpnet import building as mpnet
from scriptorium.models.spec import EncoderSpec
from scriptorium.text.tokenizers import load_tokenizer
from tests import tiny
from tests.numerics.test_training_engine_runs import LENGTH, SHAPE, curve, run, spec

MUON = {"optimizer": "muon", "muon_lr": 2e-2}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH, vocabulary="fairseq")


@pytest.mark.parametrize("build", [mlm.build, mpnet.build])
def test_muon_has_the_weights_of_the_encoders_linear_maps_and_adamw_all_else(packed, build):
    model = build(EncoderSpec(**SHAPE), load_tokenizer(packed / "tokenizer"))
    hidden = optimizers.hidden_matrices(model)
    assert len(hidden) == 2 * 6 and all(".layer." in name and weight.ndim == 2 for name, weight in hidden.items())
    both = optimizers.muon(model, TrainSpec(max_steps=1, **MUON), decayed=set(hidden))
    given = [{id(weight) for group in part.param_groups for weight in group["params"]} for part in both.parts]
    assert given[0] == {id(weight) for weight in hidden.values()}
    assert given[0] | given[1] == {id(weight) for weight in model.parameters()} and not given[0] & given[1]


def test_it_is_torchs_muon_but_for_bfloat16():
    """Its updates differ by what bfloat16 rounds off: five iterations of a relative precision of 2 ** -8."""
    torch.manual_seed(0)
    start = [torch.randn(shape) for shape in ((16, 16), (48, 16), (16, 48))]
    results = []
    for kind, more in ((optimizers.Muon, {}), (torch.optim.Muon, {"adjust_lr_fn": "match_rms_adamw"})):
        weights = [torch.nn.Parameter(each.clone()) for each in start]
        optimizer = kind(weights, lr=0.1, weight_decay=0.1, **more)
        generator = torch.Generator().manual_seed(1)
        for _ in range(3):
            for weight in weights:
                weight.grad = torch.randn(weight.shape, generator=generator)
            optimizer.step()
        results.append(weights)
    for ours, torchs, before in zip(*results, start, strict=True):
        assert (ours - torchs).norm() < 0.03 * (torchs - before).norm()


def test_singular_values_come_near_to_one():
    found = torch.linalg.svdvals(optimizers.orthogonal(torch.randn(32, 8), (3.4445, -4.775, 2.0315), 5, 1e-7))
    assert found.min() > 0.6 and found.max() < 1.3  # the iteration's own range, not exactly 1


@pytest.mark.parametrize("schedule", ["linear", "polynomial"])
def test_interrupted_run_gives_the_same_bytes(packed, tmp_path, schedule):
    given = spec(**MUON, schedule=schedule, max_steps=8)
    whole = run(packed, tmp_path / "a" / "run", given)
    part = tmp_path / "b" / "run"
    for _ in range(2):  # each attempt is asked to stop at once: it does a step and saves
        with pytest.raises(Interrupted):
            run(packed, part, given, stop={"signal": 15})
    run(packed, part, given)
    assert (whole / "model" / "model.safetensors").read_bytes() == (part / "model" / "model.safetensors").read_bytes()
    assert curve(part) == curve(whole) and len(curve(whole)) == 8


def test_micro_batches_give_the_loss_of_the_whole_batch(packed, tmp_path):
    whole = run(packed, tmp_path / "a", spec(**MUON, batch_size=6))
    parts = run(packed, tmp_path / "b", spec(**MUON, batch_size=6), micro_batch=2)
    assert curve(parts) == pytest.approx(curve(whole), rel=1e-3)


def test_it_trains_otherwise_than_adamw(packed, tmp_path):
    assert curve(run(packed, tmp_path / "a", spec(**MUON)))[-1] != curve(run(packed, tmp_path / "b", spec()))[-1]


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"muon_lr": 0.1}, "muon_lr belongs to train.optimizer: muon"),
        ({**MUON, "schedule": "polynomial", "end_lr": 1e-6}, "train.end_lr is for one learning rate"),
    ],
)
def test_wrong_combination_is_refused(settings, part):
    with pytest.raises(UserError, match=part):
        spec(**settings)


def test_encoder_that_is_not_trained_is_refused(packed):
    model = mlm.build(EncoderSpec(**SHAPE), load_tokenizer(packed / "tokenizer"))
    model.base_model.requires_grad_(False)
    with pytest.raises(UserError, match="no linear map of the encoder is trained"):
        optimizers.muon(model, TrainSpec(max_steps=1, **MUON), decayed=())


def test_weights_spread_over_processes_are_refused(packed, tmp_path):
    with pytest.raises(UserError, match="muon needs whole matrices"):
        run(packed, tmp_path / "run", spec(**MUON), fsdp=True)
