"""A fine-tuning job that is killed, or asked to stop, goes on to the very same bits."""

from __future__ import annotations

import json

import pytest

from scriptorium import ledger
from tests import kills, plugged, writers
from tests.finetuning import COGNITION, Folder, build

STEPS = {"max_steps": 80, "batch_size": 8, "lr": 1e-3, "log_every": 2, "eval_every": 40}
SETTINGS = {"train": STEPS, "cognition": COGNITION, "save_model": True}
BITS = ("model/model.safetensors", "predictions.parquet", "metrics.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("resume"))


def test_a_killed_and_then_stopped_run_ends_with_the_bits_of_an_undisturbed_one(folder):
    whole, broken = folder.run("whole", **SETTINGS), folder.root / "broken"

    def start(**end) -> str:
        return kills.run(folder.command(broken.name, **SETTINGS), SCRIPTORIUM_CHECKPOINT_STEPS="20", **end)

    start(end=kills.KILLED, step=30)
    assert ledger.read_record(broken)["status"] == ledger.RUNNING, "a killed process cannot say so itself"

    assert "run it again to go on" in start(end=kills.STOPPED, step=50)
    record = ledger.read_record(broken)
    assert (record["status"], record["attempt"]) == (ledger.KILLED, 2)
    assert not (broken / "manifest.json").exists()

    start()
    record = ledger.read_record(broken)
    assert (record["status"], record["attempt"]) == (ledger.FINISHED, 3)
    for name in BITS:
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name

    events = [list(ledger.read_events(run)) for run in (whole, broken)]
    curves = [[e["step"] for e in each if "train/loss" in e.get("metrics", {})] for each in events]
    assert curves[1] == sorted(set(curves[1])), "no point of the curve is written twice"
    assert set(curves[1]) >= set(curves[0]), "and none is lost"
    notes = json.dumps([e["note"] for e in events[1] if "note" in e])
    assert notes.count("resumed at step") == 2


@pytest.mark.slow
def test_a_killed_run_beside_translations_ends_with_the_bits_of_an_undisturbed_one(tmp_path):
    folder = plugged.folder(tmp_path / "plugged")
    changes = {"cognition": None, "plug_in": {"translations": "shuffled"}, "train": {**STEPS, "max_steps": 60}}
    folder.run("whole", save_model=True, **changes)
    command = folder.command("broken", save_model=True, **changes)
    kills.run(command, end=kills.KILLED, step=30, SCRIPTORIUM_CHECKPOINT_STEPS="20")
    kills.run(command)
    assert ledger.read_record(folder.root / "broken")["attempt"] == 2
    assert "resumed at step 20" in (folder.root / "broken/events.jsonl").read_text(encoding="utf-8")
    for name in (*BITS, "encoder/model.safetensors"):
        assert (folder.root / "broken" / name).read_bytes() == (folder.root / "whole" / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("model", ["bart", "t5"])
def test_a_killed_run_of_a_model_that_writes_text_ends_with_the_bits_of_an_undisturbed_one(tmp_path, model):
    folder = writers.folder(tmp_path / "x", model)
    changes = {"body": writers.body(model), "train": {**STEPS, "max_steps": 40, "eval_every": 20}, "save_model": True}
    folder.run("whole", **changes)
    command = folder.command("broken", **changes)
    kills.run(command, end=kills.KILLED, step=25, SCRIPTORIUM_CHECKPOINT_STEPS="20")
    kills.run(command)
    assert ledger.read_record(folder.root / "broken")["attempt"] == 2
    assert "resumed at step 20" in (folder.root / "broken/events.jsonl").read_text(encoding="utf-8")
    for name in (*BITS, "encoder/model.safetensors"):
        assert (folder.root / "broken" / name).read_bytes() == (folder.root / "whole" / name).read_bytes(), name
