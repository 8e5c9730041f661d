"""Proves on a tiny run that steps of two kinds train as others do: micro-batches and a kill change nothing, and tokens
and FLOPs are counted by kind. BERT's objective on packed blocks stands in for one with two kinds of blocks."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest

from scriptorium import ledger
from scriptorium.engine import training
from scriptorium.engine.mixture import MixedPlan, Mixture
from scriptorium.engine.plan import batch_sizes
from scriptorium.errors import Interrupted
from scriptorium.objectives import objective
from tests import tiny
from tests.numerics.test_training_engine_runs import SAME, curve, run, spec

LENGTH = 32


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH)


def mixed(examples: int) -> Mixture:
    """Three groups, of which the last one is of the second kind."""
    groups = np.arange(examples) % 3
    second = np.array([False, False, True])
    return Mixture(groups, second, np.array([0.8, 0.2, 1.0]), 0.4, np.full(examples, LENGTH))


@pytest.fixture(autouse=True)
def two_kinds(monkeypatch):
    """The training data has a mixture, held-out data has none; every example read is remembered."""
    build = objective.build
    read = []

    class Watched:
        def __init__(self, data):
            self.data, self.mixture = data, mixed(len(data))

        def __len__(self) -> int:
            return len(self.data)

        def __getitem__(self, key):
            read.append(key)
            return self.data[key]

    def built(*arguments):
        made = build(*arguments)
        hidden = []

        def hide(blocks, draws):
            hidden.append(made.hide(blocks, draws))
            return Watched(hidden[0]) if len(hidden) == 1 else hidden[-1]

        return dataclasses.replace(made, hide=hide)

    monkeypatch.setattr(objective, "build", built)
    return read


def test_steps_see_what_the_plan_says(packed, tmp_path, two_kinds):
    out = run(packed, tmp_path / "out", spec(max_steps=9, eval_every=9))
    plan = MixedPlan(mixed(len_of(packed)), batch_sizes(5, None, 9), seed=1)
    batches = plan.batches()
    expected = [(number, index) for _ in range(9) for _, number, index in next(batches)]
    assert [key for key in two_kinds if key in set(expected)][-45:] == expected
    assert len(curve(out)) == 9


def len_of(packed) -> int:
    from scriptorium.text.blocks import Blocks

    return len(Blocks(packed / "train.arrow"))


def test_micro_batches_change_nothing(packed, tmp_path):
    whole, parts = (curve(run(packed, tmp_path / str(n), spec(), micro_batch=n)) for n in (None, 1))
    assert len(whole) == 6 and np.allclose(whole, parts, rtol=SAME)


def test_a_run_that_stops_goes_on_to_the_same_bits(packed, tmp_path, monkeypatch):
    whole = run(packed, tmp_path / "whole", spec())
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 2)
    log = ledger.Ledger.metrics

    def stopped(self, step, values):
        log(self, step, values)
        if step == 3 and "train/loss" in values:
            os.kill(os.getpid(), 15)

    with monkeypatch.context() as at_step_three, pytest.raises(Interrupted):
        at_step_three.setattr(ledger.Ledger, "metrics", stopped)
        run(packed, tmp_path / "broken", spec())
    broken = run(packed, tmp_path / "broken", spec())
    assert curve(broken) == curve(whole)
    name = "model/model.safetensors"
    assert (broken / name).read_bytes() == (whole / name).read_bytes()


def test_a_budget_of_tokens_and_of_flops_buys_steps_of_both_kinds(packed, tmp_path):
    tokens = run(packed, tmp_path / "tokens", spec(max_tokens=7 * 5 * LENGTH, eval_every=5))
    assert len(curve(tokens)) == 7
    (note,) = [e["note"] for e in ledger.read_events(tokens) if "the budget is" in e.get("note", "")]
    assert "7 steps, 35 examples, 1120 tokens" in note
    flops = float(note.split(", ")[-1].split()[0])
    assert len(curve(run(packed, tmp_path / "flops", spec(max_flops=flops * 1.001, eval_every=5)))) == 7
