"""Proves on a tiny pre-training run that how it runs (micro-batches, workers, processes, recomputation) does not change
the losses, that schedules and budgets do what their recipe says, and that the ledger's numbers are right."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from safetensors.torch import load_file

from scriptorium import ledger
from scriptorium.engine import batches, trainer, training, watcher
from scriptorium.errors import UserError
from scriptorium.stage import Impl, execute
from scriptorium.stages import pretrain
from tests import kills, tiny

LENGTH = 32
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64, "dropout": 0.0}
TRAIN = {"max_steps": 6, "batch_size": 5, "lr": 1e-2, "log_every": 1, "eval_every": 6}
WEIGHTS_APART = 1e-5  # of weights after 60 steps in float32
SAME = 2e-5  # relative tolerance of a loss in float32, where sums are taken in another order


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH, vocabulary="fairseq")


def spec(*, objective=None, dropout=0.0, **train) -> pretrain.PretrainSpec:
    budget = {} if set(train) & {"max_tokens", "max_flops", "max_seconds", "epochs"} else {"max_steps": 6}
    merged = {name: value for name, value in TRAIN.items() if name != "max_steps"} | budget | train
    model = {**SHAPE, "dropout": dropout}
    return pretrain.PretrainSpec.parse({"model": model, "objective": objective or {}, "train": merged, "seed": 1})


def run(packed, out, given=None, others=None, **options):
    """Run the stage in this process; returns the run directory. others: further inputs, {name: manifest}."""
    execute(
        "pretrain",
        given or spec(),
        pretrain.run,
        out=out,
        inputs={"blocks": [packed / "manifest.json"]} | {name: [path] for name, path in (others or {}).items()},
        state=out.parent / "state",
        **options,
    )
    return out


def curve(out, name="train/loss") -> list[float]:
    """The values of one point after the other."""
    points = [event["metrics"] for event in ledger.read_events(out) if "metrics" in event]
    return [point[name] for point in points if name in point and ("train/loss" in point or name == "validation/loss")]


@pytest.fixture(scope="module")
def plain(packed, tmp_path_factory):
    return run(packed, tmp_path_factory.mktemp("plain") / "run")


@pytest.mark.parametrize("objective", [{}, {"name": "mpnet"}, {"name": "mpnet", "permuted": {"faithful": True}}])
def test_micro_batches_give_the_loss_of_the_whole_batch(packed, tmp_path, objective):
    """Blocks have unequal numbers of predicted tokens, so a mean of means would be another number."""
    whole = run(packed, tmp_path / "a", spec(objective=objective, batch_size=6))
    parts = run(packed, tmp_path / "b", spec(objective=objective, batch_size=6), micro_batch=2)
    assert curve(parts) == pytest.approx(curve(whole), rel=SAME)
    assert curve(parts, "train/grad_norm") == pytest.approx(curve(whole, "train/grad_norm"), rel=1e-3)


@pytest.mark.parametrize(
    ("options", "name"),
    [({"workers": 2}, "mpnet"), ({"checkpointing": True}, "bert"), ({"checkpointing": True}, "mpnet")],
)
def test_workers_and_recomputation_leave_every_byte(packed, tmp_path, options, name):
    given = spec(objective={"name": name}, dropout=0.1)  # the dropout is recomputed too
    one, other = run(packed, tmp_path / "a", given), run(packed, tmp_path / "b", given, **options)
    assert curve(one) == curve(other)
    assert (one / "model/model.safetensors").read_bytes() == (other / "model/model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("gcc"), reason="torch.compile needs a C compiler")
def test_a_compiled_run_has_the_same_losses(packed, tmp_path, plain):
    assert curve(run(packed, tmp_path / "run", compile=True)) == pytest.approx(curve(plain), rel=1e-4)


def test_polynomial_decay_is_fairseqs(packed, tmp_path):
    given = spec(max_steps=6, schedule="polynomial", schedule_power=2.0, end_lr=1e-3, warmup_steps=2)
    found = curve(run(packed, tmp_path / "run", given), "train/lr")
    # lr = end + (peak - end) (1 - (t - w) / (T - w))^power, in warm-up peak t / w; the log has the rate of each update
    expected = [0, 5e-3, 1e-2, *(1e-3 + 9e-3 * (1 - t / 4) ** 2 for t in (1, 2, 3))]
    assert found == pytest.approx(expected)


def test_warm_up_of_batch_and_length_trains_on_what_it_says(packed, tmp_path):
    given = spec(batch_size=8, batch_warmup={"start": 2, "share": 0.5}, length_warmup={"length": 16, "share": 0.5})
    out = run(packed, tmp_path / "run", given)
    assert curve(out, "train/tokens") == [32, 96, 192, 448, 704, 960], "2, 4, 6 of 16 tokens, then 8 of 32 each"
    assert json.loads((out / "metrics.json").read_text())["train/tokens"] == 960


def test_a_budget_is_turned_into_steps_and_noted(packed, tmp_path, plain):
    flops = json.loads((plain / "metrics.json").read_text())["train/flops"]
    out = run(packed, tmp_path / "a", spec(max_flops=flops))
    assert curve(out) == curve(plain)
    notes = [event["note"] for event in ledger.read_events(out) if "note" in event]
    assert any("the budget is 6 steps, 30 examples, 960 tokens" in note for note in notes), notes
    out = run(packed, tmp_path / "b", spec(max_tokens=LENGTH * 5 * 2 + 1))
    assert len(curve(out)) == 2


def test_a_budget_of_seconds_ends_in_time_with_a_falling_rate(packed, tmp_path, monkeypatch):
    ticks = itertools.count(0, 0.02)  # a clock of its own: on a busy machine a step may take a second
    for module in (trainer, watcher):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    out = run(packed, tmp_path / "run", spec(max_seconds=2.0, warmup_ratio=0.0, eval_every=10**6))
    assert 2 <= next(ticks) < 2.3
    rates = curve(out, "train/lr")
    assert len(rates) > 5
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 0.9e-2
    assert rates[-1] < 0.2e-2


def test_the_ledger_has_the_numbers_of_every_point(packed, plain):
    points = [e["metrics"] for e in ledger.read_events(plain) if "train/loss" in e.get("metrics", {})]
    assert [point["train/tokens"] for point in points] == [5 * LENGTH * step for step in range(1, 7)]
    total = json.loads((plain / "metrics.json").read_text())["train/flops"]
    assert [point["train/flops"] for point in points] == pytest.approx([total * step / 6 for step in range(1, 7)])
    for point in points:
        assert point["flops_per_second"] > 0
        assert point["memory/peak_mib"] > 50
        assert point["tokens_per_second"] > 0
        assert 0 <= point["train/accuracy"] <= 1


def test_accuracy_of_a_training_batch_is_counted_on_its_predictions(packed, tmp_path):
    out = run(packed, tmp_path / "run", spec(max_steps=60, log_every=20, eval_every=60))
    evaluated = [e["metrics"] for e in ledger.read_events(out) if "validation/accuracy" in e.get("metrics", {})]
    assert len(curve(out, "train/accuracy")) == 3
    assert curve(out, "train/accuracy")[-1] == pytest.approx(evaluated[-1]["validation/accuracy"], abs=0.15)


# --- processes --------------------------------------------------------------------------------------------------------


def words(packed, out, given, *more, others=None) -> list[str]:
    """The stage's command line."""
    return [
        sys.executable,
        "-m",
        "scriptorium.stages.pretrain",
        "--spec",
        given.canonical(),
        "--out",
        str(out),
        "--input",
        f"blocks={packed / 'manifest.json'}",
        *(f"{name}={path}" for name, path in (others or {}).items()),
        "--state",
        str(out.parent / "state"),
        *more,
    ]


def torchrun(packed, out, given, *more, others=None, **environment) -> subprocess.Popen:
    return subprocess.Popen(
        words(packed, out, given, *more, others=others),
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finished(process: subprocess.Popen, code: int = 0) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == code, output[-4000:]
    return output


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch", ["", "2"])
def test_two_processes_give_the_loss_curve_of_one(packed, tmp_path, micro_batch):
    given = spec(max_steps=8, batch_size=6, eval_every=4)
    one = run(packed, tmp_path / "one", given)
    two = tmp_path / "two"
    finished(torchrun(packed, two, given, "--processes", "2", f"--micro-batch={micro_batch}"))
    assert curve(two) == pytest.approx(curve(one), rel=SAME)
    assert curve(two, "validation/loss") == pytest.approx(curve(one, "validation/loss"), rel=SAME)
    assert curve(two, "train/tokens") == curve(one, "train/tokens")
    assert ledger.read_record(two)["status"] == ledger.FINISHED
    assert not (tmp_path / "state").exists() or not any((tmp_path / "state").iterdir()), "nothing is left behind"


@pytest.mark.slow
def test_a_cluster_that_signals_every_process_of_a_job_loses_no_step(packed, tmp_path):
    """Slurm sends SIGTERM to the stage, to torchrun and to both of its processes, and torchrun's own follow."""
    given = spec(max_steps=100_000, batch_size=6, log_every=5, eval_every=100_000)
    process = torchrun(packed, tmp_path / "run", given, "--processes", "2")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and reached(tmp_path / "run") < 25:
        time.sleep(0.01)
    for each in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
        each.send_signal(signal.SIGTERM)
    output = finished(process, 75)
    assert output.count("saving at the next step") == 2
    assert output.count("the state is saved") == 2
    (checkpoint,) = (tmp_path / "state").glob("*/checkpoints/*")
    assert int(checkpoint.name.rpartition("-")[2]) >= reached(tmp_path / "run") > 0


def reached(run: Path) -> int:
    """The last step of a run's journal."""
    return max((event.get("step", 0) for event in ledger.read_events(run)), default=0)


@pytest.mark.slow
def test_two_processes_that_are_killed_go_on_to_the_same_bits(packed, tmp_path):
    given = spec(max_steps=300, batch_size=6, dropout=0.1, log_every=5, eval_every=300)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    often = {"SCRIPTORIUM_CHECKPOINT_STEPS": "10"}
    finished(torchrun(packed, whole, given, "--processes", "2", **often))
    process = torchrun(packed, broken, given, "--processes", "2", **often)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and reached(broken) < 25:
        time.sleep(0.01)
    os.kill(ledger.read_record(broken)["pid"], signal.SIGKILL)
    finished(process, 1)
    process = torchrun(packed, broken, given, "--processes", "2", **often)
    while time.monotonic() < deadline and reached(broken) < 50:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    finished(process, 75)
    finished(torchrun(packed, broken, given, "--processes", "2", **often))
    assert ledger.read_record(broken)["attempt"] == 3
    for name in ("model/model.safetensors", "metrics.json"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_a_run_goes_on_with_other_processes_and_micro_batches(packed, tmp_path):
    """One process with four micro-batches, then two with two each: the weights are those of an undisturbed process."""
    given = spec(max_steps=60, batch_size=8, lr=1e-3, log_every=1, eval_every=60)
    plain, changed = run(packed, tmp_path / "plain/run", given), tmp_path / "changed/run"
    kills.run(words(packed, changed, given, "--micro-batch=2"), end=kills.STOPPED, step=25)
    finished(torchrun(packed, changed, given, "--processes", "2", "--micro-batch=2"))
    notes = [event["note"] for event in ledger.read_events(changed) if "note" in event]
    shared = "a batch is shared by {} process(es), each with {} micro-batch(es) of at most 2 example(s), in fp32"
    found = [note for note in notes if note.startswith("a batch is shared")]
    assert found == [
        shared.format(1, 4),
        shared.format(2, 2),
    ]
    assert ledger.read_record(changed)["shares"] == {"processes": 2, "micro_batches": 2, "micro_batch": 2}
    assert ledger.read_record(changed)["key"] == ledger.read_record(plain)["key"], "how it runs is in no key"
    assert curve(changed) == pytest.approx(curve(plain), rel=SAME)
    one, other = (load_file(out / "model/model.safetensors") for out in (plain, changed))
    furthest = max(float((one[name] - other[name]).abs().max()) for name in one)
    assert furthest < WEIGHTS_APART, furthest


@pytest.mark.parametrize(("world", "micro_batch", "found"), [(1, None, 1), (1, 4, 2), (1, 9, 1), (3, 1, 2), (6, 1, 1)])
def test_no_micro_batch_has_more_examples_than_it_may(monkeypatch, world, micro_batch, found):
    monkeypatch.setenv("WORLD_SIZE", str(world))
    assert batches.micro_batches(6, micro_batch) == found


def test_a_batch_that_the_processes_cannot_share_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "8")
    with pytest.raises(UserError, match="batch_size 5 cannot be shared by 8 processes"):
        training._arguments(spec().train, "fp32", 0, tmp_path, examples=10, evaluates=False)


def test_sharing_weights_without_gpus_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="needs two or more processes, each with a GPU"):
        training._arguments(spec().train, "fp32", 0, tmp_path, examples=10, evaluates=False, impl=Impl(fsdp=True))
