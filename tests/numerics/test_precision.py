"""Proves which precision is chosen where, that a run keeps the one it began with, and that a scaled loss is resumed."""

from __future__ import annotations

import math

import pytest
import torch

from scriptorium import ledger
from scriptorium.engine import precision
from scriptorium.engine.divergence import Divergence
from scriptorium.errors import Interrupted, UserError
from tests import tiny
from tests.numerics.test_training_engine_runs import LENGTH, curve, run, spec


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH, vocabulary="fairseq")


def machine(monkeypatch, *, gpu: bool, bf16: bool, capability: int = 7) -> None:
    """As if this were another machine."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: (capability, 0))
    monkeypatch.setattr(precision, "flags", lambda: frozenset({"avx2", *(["avx512_bf16"] if bf16 else [])}))


@pytest.mark.parametrize(
    ("gpu", "bf16", "capability", "width", "found"),
    [
        (True, True, 8, None, "bf16"),
        (True, False, 7, None, "fp16"),  # V100, where torch would emulate bf16
        (True, False, 6, None, "fp32"),
        (False, True, 0, 768, "bf16"),
        (False, True, 0, 128, "fp32"),
        (False, True, 0, None, "fp32"),
        (False, False, 0, 768, "fp32"),
    ],
)
def test_auto_takes_what_the_machine_gains_from(monkeypatch, gpu, bf16, capability, width, found):
    machine(monkeypatch, gpu=gpu, bf16=bf16, capability=capability)
    assert precision.chosen("auto", width=width) == found


@pytest.mark.parametrize(
    ("asked", "begun", "said"),
    [
        ("bf17", None, "unknown precision 'bf17', did you mean 'bf16'"),
        ("bf16", None, "this processor has no bf16 instructions"),
        ("auto", "bf16", "go on with this run on a machine that has them"),
        ("fp16", "fp32", "this run began with fp32 and goes on with no other precision, such as fp16"),
    ],
)
def test_a_precision_that_cannot_be_is_refused(monkeypatch, asked, begun, said):
    machine(monkeypatch, gpu=False, bf16=False)
    with pytest.raises(UserError, match=said):
        precision.chosen(asked, begun=begun)


def stopped_after_each_step(packed, out, given, attempts: int, **options):
    for _ in range(attempts):
        with pytest.raises(Interrupted):
            run(packed, out, given, stop={"signal": 15}, **options)
    return run(packed, out, given, **options)


def test_a_scaled_loss_goes_on_to_the_same_bits(packed, tmp_path):
    given = spec(max_steps=5, dropout=0.1)
    whole = run(packed, tmp_path / "a/run", given, precision="fp16")
    with pytest.raises(Interrupted):
        run(packed, tmp_path / "b/run", given, precision="fp16", stop={"signal": 15})
    (saved,) = (tmp_path / "b").glob("state/*/checkpoints/checkpoint-1/scaler.pt")
    assert torch.load(saved, weights_only=True)["scale"] > 1
    broken = stopped_after_each_step(packed, tmp_path / "b/run", given, 2)  # `auto` goes on with what it began with
    assert ledger.read_record(broken)["precision"] == "fp16"
    assert (whole / "model/model.safetensors").read_bytes() == (broken / "model/model.safetensors").read_bytes()
    exact = curve(run(packed, tmp_path / "c/run", given))
    assert curve(whole) != exact and curve(whole) == pytest.approx(exact, rel=1e-2)


def test_a_run_does_not_change_its_precision(packed, tmp_path):
    given = spec()
    with pytest.raises(Interrupted):
        run(packed, tmp_path / "run", given, stop={"signal": 15})
    with pytest.raises(UserError, match="began with fp32"):
        run(packed, tmp_path / "run", given, precision="fp16")


def test_bf16_is_near_float32(packed, tmp_path, monkeypatch):
    exact = curve(run(packed, tmp_path / "a/run"))
    monkeypatch.setattr(precision, "flags", lambda: frozenset({"amx_bf16"}))
    found = run(packed, tmp_path / "b/run", precision="bf16")
    assert curve(found) != exact and curve(found) == pytest.approx(exact, rel=2e-2)
    assert ledger.read_record(found)["precision"] == "bf16"


class Scaler:
    def __init__(self, scale: float):
        self.scale = scale

    def get_scale(self) -> float:
        return self.scale


def test_a_gradient_that_was_scaled_too_much_is_no_divergence(tmp_path):
    check = Divergence(tmp_path, Scaler(65536.0)).check
    check(1, torch.tensor(2.0), math.inf, [])
    with pytest.raises(UserError, match="the loss is nan"):
        check(1, torch.tensor(math.nan), 1.0, [])
    with pytest.raises(UserError, match="the norm of the gradient is inf"):
        Divergence(tmp_path, Scaler(1.0)).check(1, torch.tensor(2.0), math.inf, [])
