"""Proves on tiny runs of VECO's objective that how it runs changes nothing (micro-batches, workers, two processes, a
kill at any step), and that its fifty first losses are the recorded ones.

If a change of the curves is meant, record anew: `python -m tests.numerics.test_veco_runs`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from scriptorium import ledger
from scriptorium.stages import pretrain
from tests import golden, kills, two_sided
from tests.numerics.test_training_engine_runs import SAME, curve, finished, run, torchrun, words

GOLDEN = Path(__file__).with_name("golden_veco.tsv")
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 128}
ABLATIONS = {
    "veco": {},
    "xlm": {"weights": {"ca": 0}},
    "veco-no-tlm": {"weights": {"tlm": 0}},
    "mlm-pairs": {"weights": {"ca": 0, "tlm": 0}},
    "veco-one-stream": {"predicted_by": "one"},
    "veco-no-cross-gradient": {"cross_gradient": False},
    "veco-restarted": {"tlm_positions": "restarted"},
}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return two_sided.packed(tmp_path_factory.mktemp("pairs"))


def spec(*, paired=None, dropout=0.0, **train) -> pretrain.PretrainSpec:
    given = {"max_steps": 6, "batch_size": 4, "lr": 1e-2, "log_every": 1, "eval_every": 6}
    objective = {"name": "veco", "rate": 0.3, "bilingual_rate": 0.3, "frequency_bias": True, "paired": paired or {}}
    model = {**SHAPE, "dropout": dropout}
    return pretrain.PretrainSpec.parse({"model": model, "objective": objective, "train": given | train, "seed": 1})


def test_micro_batches_give_the_loss_of_the_whole_batch(packed, tmp_path):
    whole = run(packed, tmp_path / "a/run", spec())
    parts = run(packed, tmp_path / "b/run", spec(), micro_batch=1)
    assert len(curve(whole)) == 6 and curve(parts) == pytest.approx(curve(whole), rel=SAME)


def test_workers_leave_every_byte(packed, tmp_path):
    plain = run(packed, tmp_path / "a/run", spec(dropout=0.1))
    busy = run(packed, tmp_path / "b/run", spec(dropout=0.1), workers=2)
    for name in ("model/model.safetensors", "metrics.json"):
        assert (plain / name).read_bytes() == (busy / name).read_bytes(), name


def test_a_killed_and_then_stopped_run_ends_with_the_same_bits(packed, tmp_path):
    given = spec(max_steps=70, dropout=0.1, log_every=5, eval_every=70)
    whole, broken = run(packed, tmp_path / "whole/run", given), tmp_path / "broken/run"
    for step, end in ((25, kills.KILLED), (45, kills.STOPPED), (0, None)):
        kills.run(words(packed, broken, given), end=end, step=step, SCRIPTORIUM_CHECKPOINT_STEPS="10")
    assert ledger.read_record(broken)["attempt"] == 3
    for name in ("model/model.safetensors", "metrics.json", "held_out.parquet"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_two_processes_give_the_loss_curve_of_one(packed, tmp_path):
    """Steps on translations and on documents alike: all processes have one kind in a step."""
    given = spec(max_steps=10, eval_every=5)
    one, two = run(packed, tmp_path / "one/run", given), tmp_path / "two/run"
    finished(torchrun(packed, two, given, "--processes", "2"))
    assert curve(two) == pytest.approx(curve(one), rel=SAME)
    assert curve(two, "validation/loss") == pytest.approx(curve(one, "validation/loss"), rel=SAME)


def recorded(folder: Path, name: str) -> dict[int, float]:
    """{step: mean training loss of the ten steps before} of an ablation."""
    packed = two_sided.packed(folder / "data", repeating=True)
    out = run(packed, folder / "run", spec(paired=ABLATIONS[name], max_steps=50, log_every=10, eval_every=50))
    return golden.losses(out)


@pytest.mark.parametrize("name", ABLATIONS)
def test_fifty_steps_give_the_recorded_losses(name, tmp_path):
    expected = golden.read(GOLDEN)[name]
    found = recorded(tmp_path, name)
    assert list(found) == list(expected.index) == [10, 20, 30, 40, 50]
    assert list(found.values()) == pytest.approx(expected.to_list(), rel=golden.TOLERANCE)


def test_recorded_curves_tell_the_ablations_apart():
    curves = golden.read(GOLDEN)
    assert list(curves) == list(ABLATIONS)
    assert golden.alike(curves, ABLATIONS) == []


def record() -> None:
    with tempfile.TemporaryDirectory() as folder:
        golden.write({name: recorded(Path(folder) / name, name) for name in ABLATIONS}, GOLDEN)


if __name__ == "__main__":
    record()
