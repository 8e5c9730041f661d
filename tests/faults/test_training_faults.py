"""A training run that diverges, or whose disk is full, stops at once, says what to do, and loses nothing."""

from __future__ import annotations

import errno
import math
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file

from scriptorium import ledger
from scriptorium.engine import checkpoints, training
from scriptorium.errors import UserError
from scriptorium.models.mlm import PackedMaskedLM
from scriptorium.models.spec import EncoderSpec
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from tests import tiny

SHAPE = {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 6, "batch_size": 4, "lr": 1e-3, "log_every": 5}
MODEL = "model/model.safetensors"


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=32)


@pytest.fixture(autouse=True)
def save_often(monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 2)


def run(packed, out: Path) -> Path:
    spec = pretrain.PretrainSpec.parse({"model": SHAPE, "objective": {}, "train": TRAIN, "seed": 1})
    execute(
        "pretrain",
        spec,
        pretrain.run,
        out=out,
        inputs={"blocks": [packed / "manifest.json"]},
        state=out.parent / f"state-{out.name}",
        micro_batch=2,
    )
    return out


def saved_steps(out: Path) -> list[int]:
    return sorted(map(checkpoints.step_of, (out.parent / f"state-{out.name}").glob("*/checkpoints/checkpoint-*")))


@pytest.fixture(scope="module")
def undisturbed(packed, tmp_path_factory):
    return run(packed, tmp_path_factory.mktemp("whole") / "run")


def poisoned(kind: str, step: int):
    """PackedMaskedLM.forward whose loss, or gradient, is not finite in the second micro-batch of `step`."""
    original, calls = PackedMaskedLM.forward, []

    def forward(model, *arguments, **named):
        outputs = original(model, *arguments, **named)
        if model.training:
            calls.append(named["input_ids"])
            if len(calls) == 2 * step:
                if kind == "loss":
                    outputs["loss"] = outputs["loss"] * math.nan
                else:
                    outputs["loss"].register_hook(lambda gradient: gradient * math.inf)
        return outputs

    return forward, calls


@pytest.mark.parametrize(("kind", "words"), [("loss", "the loss is nan"), ("gradient", "the norm of the gradient is")])
def test_divergence_stops_the_very_step_and_keeps_state_and_batch(
    packed, tmp_path, monkeypatch, undisturbed, kind, words
):
    forward, calls = poisoned(kind, 3)
    with monkeypatch.context() as patch, pytest.raises(UserError) as raised:
        patch.setattr(PackedMaskedLM, "forward", forward)
        run(packed, tmp_path / "run")
    message = str(raised.value)
    assert f"{words}" in message
    assert "at step 3; its batch is in" in message
    assert "lower train.lr" in message
    assert len(calls) == 6, "no step after it, though the curve's next point would have been the fifth"
    (path,) = tmp_path.glob("state-run/*/diverged/*.safetensors")
    assert str(path) in message
    kept = load_file(path)
    assert [torch.equal(kept[f"micro{i}/input_ids"], calls[4 + i]) for i in (0, 1)] == [True, True]
    assert kept["micro0/keys"].shape == (2, 3), "phase, epoch and index of each example"
    assert saved_steps(tmp_path / "run") == [2]
    assert ledger.read_record(tmp_path / "run")["status"] == ledger.FAILED
    out = run(packed, tmp_path / "run")
    assert (out / MODEL).read_bytes() == (undisturbed / MODEL).read_bytes()


def full_for_torch(*_, **__):
    raise RuntimeError("[enforce fail at inline_container.cc] . PytorchStreamWriter failed writing file data/0")


def full_for_python(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def full_for_safetensors(*_, **__):
    from safetensors import SafetensorError

    raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize(
    ("writer", "failure"),
    [("weights", full_for_safetensors), ("optimizer", full_for_torch), ("state", full_for_python)],
)
def test_a_full_disk_leaves_the_checkpoint_before_and_a_clear_message(
    packed, tmp_path, monkeypatch, undisturbed, writer, failure
):
    place, name = {
        "weights": (transformers.modeling_utils, "safe_save_file"),
        "optimizer": (torch, "save"),
        "state": (transformers.trainer.TrainerState, "save_to_json"),
    }[writer]
    original = getattr(place, name)

    def write(*arguments, **named):
        if any("checkpoint-4" in str(argument) for argument in arguments):
            failure()
        return original(*arguments, **named)

    with monkeypatch.context() as patch, pytest.raises(UserError) as raised:
        patch.setattr(place, name, write)
        run(packed, tmp_path / "run")
    assert "the disk is full: the state of step 4 could not be saved (step 2 is still saved)" in str(raised.value)
    assert "free some space and run it again" in str(raised.value)
    assert saved_steps(tmp_path / "run") == [2]
    out = run(packed, tmp_path / "run")
    assert "resumed at step 2" in [event.get("note") for event in ledger.read_events(out)]
    assert (out / MODEL).read_bytes() == (undisturbed / MODEL).read_bytes()


def test_another_error_while_saving_is_passed_on_as_it_is(tmp_path):
    with pytest.raises(RuntimeError, match="a defect"), checkpoints.saving(tmp_path / "checkpoint-1"):
        raise RuntimeError("a defect")


def test_a_checkpoint_of_another_shape_is_refused_with_names_and_shapes(tmp_path):
    def model(**changes):
        spec = EncoderSpec(**{**SHAPE, **changes})
        from scriptorium.models import mlm

        return mlm.build(spec, tiny.tokenizer())

    model().save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    checkpoints.check_fits(weights, model())  # tied weights are saved once
    with pytest.raises(UserError) as raised:
        checkpoints.check_fits(weights, model(intermediate_size=40, layers=2))
    message = str(raised.value)
    assert "bert.encoder.layer.0.intermediate.dense.weight: (32, 16) in the file, (40, 16) in the model" in message
    assert "bert.encoder.layer.1.attention.output.LayerNorm.bias: (16,) in the model only" in message
    assert "more" in message
    assert str(weights) in message
