"""Proves on tiny runs of VECO 2.0's objective that a kill changes nothing, with a queue, that two processes give the
gradients and the queue of one, that a run goes on from another variant's model, and that its fifty first losses are the
recorded ones.

If a change of the curves is meant, record anew: `python -m tests.numerics.test_veco2_runs`.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers

from scriptorium import ledger
from scriptorium.engine import training
from scriptorium.errors import Interrupted, UserError
from scriptorium.models.veco import VecoForMaskedLM
from scriptorium.objectives import veco2 as objective
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.stages import pretrain
from scriptorium.text.synonyms.linked_blocks import LinkedBlocks
from tests import golden, kills, tiny, two_sided, veco2
from tests.numerics.test_training_engine_runs import SAME, curve, finished, run, torchrun, words
from tests.numerics.test_veco_runs import SHAPE

GOLDEN = Path(__file__).with_name("golden_veco2.tsv")
INFOXLM = {"pool": "first", "projection": "linear", "normalised": False, "temperature": 0.25, "in_batch": False}
ABLATIONS = {
    "mmlm": {"weights": {"tlm": 0, "sequence": 0, "token": 0}},
    "mmlm-tlm": {"weights": {"sequence": 0, "token": 0}},
    "veco2-seq": {"weights": {"token": 0}},
    "veco2-tok": {"weights": {"sequence": 0}},
    "veco2": {},
    "veco2-clean": {"reads": "clean"},
    "infoxlm-like": {"weights": {"token": 0}, "sequence": INFOXLM | {"queue": 16, "momentum": 0.9}},
    "labse-like": {"weights": {"token": 0}, "sequence": {"pool": "first", "margin": 0.3}},
}
QUEUE = {"sequence": {"queue": 12, "momentum": 0.9, "projection": "linear"}}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return two_sided.packed(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def others(packed, tmp_path_factory):
    """The links as a further input."""
    return {"links": veco2.linked(tmp_path_factory.mktemp("links"), packed) / "manifest.json"}


def spec(*, paired=None, dropout=0.0, model=True, **train) -> pretrain.PretrainSpec:
    given = {"max_steps": 6, "batch_size": 4, "lr": 1e-2, "log_every": 1, "eval_every": 6}
    about = {"name": "veco2", "rate": 0.3, "bilingual_rate": 0.3, "frequency_bias": model, "paired": paired or {}}
    shape = {"model": {**SHAPE, "dropout": dropout}} if model else {}
    return pretrain.PretrainSpec.parse({**shape, "objective": about, "train": given | train, "seed": 1})


def test_a_contrast_is_never_cut_into_micro_batches(packed, others, tmp_path):
    with pytest.raises(UserError, match="compares the examples of a batch"):
        run(packed, tmp_path / "a/run", spec(), others, micro_batch=2)
    plain = {"weights": {"sequence": 0, "token": 0}}
    run(packed, tmp_path / "b/run", spec(paired=plain, max_steps=1), others, micro_batch=2)


def test_a_run_tells_all_terms_and_leaves_an_encoder_that_is_read(packed, others, tmp_path):
    out = run(packed, tmp_path / "run", spec(paired=QUEUE), others)
    metrics = json.loads((out / "metrics.json").read_text())
    for name in ("loss/bilingual/tlm", "loss/bilingual/sequence", "loss/bilingual/token"):
        assert 0 < metrics[f"validation/{name}"] < 12, name
    for name in ("sequence", "token"):
        assert 0 <= metrics[f"validation/accuracy/bilingual/{name}"] <= 1
    terms = [metrics[f"validation/loss/bilingual/{name}"] for name in ("sequence", "token")]
    assert metrics["validation/objective"] > 2 * metrics["validation/loss"] + sum(terms)
    saved = safetensors.torch.load_file(out / "model/model.safetensors")
    assert not any(word in name for name in saved for word in ("momentum", "projection", "cross_attention"))
    assert type(transformers.AutoModelForMaskedLM.from_pretrained(out / "model")) is transformers.XLMRobertaForMaskedLM
    assert not VecoForMaskedLM.from_pretrained(out / "model").config.plug_in


def test_a_run_goes_on_from_another_ones_model(packed, others, tmp_path):
    """Of the same shape, which it takes from there; with a step of no size it stays that model."""
    start = run(packed, tmp_path / "start/run", spec(paired=ABLATIONS["mmlm"]))
    given = spec(model=False, paired=QUEUE, max_steps=1, lr=1e-30)
    out = run(packed, tmp_path / "next/run", given, others | {"start": start / "manifest.json"})
    one, other = (safetensors.torch.load_file(each / "model/model.safetensors") for each in (start, out))
    assert one.keys() == other.keys() and all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_links_are_asked_for_by_name(packed, tmp_path):
    with pytest.raises(UserError, match=r"the contrast between words needs links.*\n  remedy: name a dictionary"):
        run(packed, tmp_path / "run", spec())
    run(packed, tmp_path / "other/run", spec(paired={"weights": {"token": 0}}, max_steps=1, eval_every=1))


def test_words_and_links_reach_the_batch(packed, others):
    blocks = LinkedBlocks(packed / "train.arrow", others["links"].parent / "train.arrow")
    of_words, of_pieces = (
        objective.LinkedPairs(
            blocks,
            ObjectiveSpec.parse({"name": "veco2", "paired": {"token": {"units": units}}}),
            tiny.tokenizer(),
            training_draws(0),
        )
        for units in ("words", "pieces")
    )
    numbers = [number for number in range(len(blocks)) if of_words.bilingual[number]][:3]
    batch = objective.collate([of_words[(1, number)] for number in numbers])
    assert batch["words"].shape == batch["input_ids"].shape and batch["links"].dtype == torch.int64
    for row, number in enumerate(numbers):
        words, links = blocks.links(number)
        assert np.array_equal(batch["words"][row], words)
        kept = batch["links"][row]
        assert kept[kept[:, 0] >= 0].tolist() == links.tolist() and len(links) > 0
        both = of_pieces[(1, number)]
        assert sorted(map(tuple, both["links"].tolist())) == sorted(map(tuple, links.tolist())), (
            "a word is a piece here"
        )


def test_pieces_of_linked_words_are_linked_each_to_each():
    words = np.array([[-1, 0, 0, 1, -1], [-1, 0, 1, 1, -1]])
    single, links = objective.pieces(words, np.array([[0, 1], [1, 0]]))
    assert single.tolist() == [[-1, 0, 1, 2, -1], [-1, 0, 1, 2, -1]]
    assert sorted(map(tuple, links.tolist())) == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 0)]


def test_a_run_that_stops_goes_on_to_the_same_bits(packed, others, tmp_path, monkeypatch):
    """The queue and the slow encoder go on as they were."""
    given = spec(paired=QUEUE, max_steps=10, dropout=0.1, eval_every=10)
    whole = run(packed, tmp_path / "whole/run", given, others)
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 2)
    log = ledger.Ledger.metrics

    def stopped(self, step, values):
        log(self, step, values)
        if step == 7 and "train/loss" in values:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as at_step_seven, pytest.raises(Interrupted):
        at_step_seven.setattr(ledger.Ledger, "metrics", stopped)
        run(packed, tmp_path / "broken/run", given, others)
    broken = run(packed, tmp_path / "broken/run", given, others)
    assert ledger.read_record(broken)["attempt"] == 2
    for name in ("model/model.safetensors", "metrics.json", "held_out.parquet"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_a_killed_and_then_stopped_run_ends_with_the_same_bits(packed, others, tmp_path):
    """The queue and the slow encoder go on as they were."""
    given = spec(paired=QUEUE, max_steps=100, dropout=0.1, log_every=5, eval_every=100)
    whole, broken = tmp_path / "whole/run", tmp_path / "broken/run"
    run(packed, whole, given, others)
    for step, end in ((25, kills.KILLED), (60, kills.STOPPED), (0, None)):
        command = words(packed, broken, given, others=others)
        kills.run(command, end=end, step=step, SCRIPTORIUM_CHECKPOINT_STEPS="10")
    assert ledger.read_record(broken)["attempt"] == 3
    for name in ("model/model.safetensors", "metrics.json", "held_out.parquet"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["veco2", "queue"])
def test_two_processes_give_the_loss_curve_and_the_weights_of_one(packed, others, tmp_path, name):
    """Candidates and queue are those of both: without that, other losses after the first step on translations."""
    given = spec(paired={"veco2": {}, "queue": QUEUE}[name], max_steps=10, eval_every=10, lr=1e-3)
    one, two = run(packed, tmp_path / "one/run", given, others), tmp_path / "two/run"
    finished(torchrun(packed, two, given, "--processes", "2", others=others))
    assert curve(two) == pytest.approx(curve(one), rel=SAME)
    assert curve(two, "train/grad_norm") == pytest.approx(curve(one, "train/grad_norm"), rel=1e-3)
    theirs, ours = (safetensors.torch.load_file(each / "model/model.safetensors") for each in (two, one))
    assert all(torch.allclose(value, theirs[key], atol=2e-4) for key, value in ours.items())


def recorded(folder: Path, name: str) -> dict[int, float]:
    """{step: mean training loss of the ten steps before} of an ablation."""
    packed = two_sided.packed(folder / "data")  # not of repeated words, which would have no negatives
    others = {"links": veco2.linked(folder, packed) / "manifest.json"}
    out = run(packed, folder / "run", spec(paired=ABLATIONS[name], max_steps=50, log_every=10, eval_every=50), others)
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
