"""The pre-training bench: loops that wait for one another, ratios from their windows, fits, and the peer's own text."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from scriptorium.bench import loops, pretrain, pretrain_profile, pretrain_scaling, pretrain_sides, timing
from scriptorium.bench.pretrain_sides import Joined, Shape
from scriptorium.reporting import closing
from scriptorium.stages.bench_pretrain import BenchPretrainSpec

TOKENS = 12


class Batch(dict):
    """Of TOKENS tokens, two of them padding."""

    def __init__(self, examples):
        super().__init__(input_ids=np.zeros(TOKENS), attention_mask=np.arange(TOKENS) > 1)


class Slow:
    def work(self):
        time.sleep(0.002)


def build(gate, seconds, steps=10**6):
    """A training loop that only sleeps; in a child of the test."""
    gate.timed(Slow, "work", "slow")
    collate = gate.collator(Batch)
    for _ in range(steps):
        collate([])
        Slow().work()
        time.sleep(seconds)


class Recorded:
    """A loop that says what it is asked."""

    def __init__(self, name, seconds, asked):
        self.name, self.seconds, self.asked = name, seconds, asked

    def run(self, steps):
        self.asked.append((self.name, steps))
        return loops.Window(self.seconds * steps, 100 * steps, {"loader": 0.25 * steps})


def test_a_loop_runs_as_many_steps_as_it_is_asked_counts_real_tokens_and_is_missed_when_it_dies():
    with loops.Loop(build, threads=1, seconds=0.01, steps=8) as loop:
        first = loop.run(2)
        time.sleep(0.5)  # nobody asks: this time is in no window
        second = loop.run(5)
        with pytest.raises(RuntimeError, match="ended with"):
            loop.run(5)
    assert (first.tokens, second.tokens) == (2 * (TOKENS - 2), 5 * (TOKENS - 2))
    assert second.seconds >= 5 * 0.012
    assert 5 * 0.002 <= second.parts["slow"] <= second.seconds - 5 * 0.01
    assert second.rate == pytest.approx(second.tokens / second.seconds)


def test_pairs_are_interleaved_after_a_warm_up():
    asked = []
    ours, peer = Recorded("ours", 1.0, asked), Recorded("peer", 3.0, asked)
    pairs = loops.in_turn(ours, peer, steps=2, runs=3)
    assert [name for name, _ in asked] == ["peer", "ours", "peer", "ours", "ours", "peer", "peer", "ours"]
    assert {steps for _, steps in asked} == {2}
    assert [(one.seconds, other.seconds) for one, other in pairs] == [(2.0, 6.0)] * 3


def test_ratios_are_of_rates_and_shares_are_turned_so_that_more_is_better():
    pairs = [(loops.Window(2.0, 300, {"loader": 0.02}), loops.Window(4.0, 200, {}))] * 7
    rates = pretrain._rates("a", "b", pairs, 3.0).row()
    assert rates["ratio_median"] == pytest.approx(150 / 50) and rates["runs"] == 7
    share = pretrain._share("a", pairs, "loader", 0.03).row()
    assert share["ratio_median"] == pytest.approx(100) and share["target"] == pytest.approx(1 / 0.03)


def test_targets_are_those_of_the_issue():
    assert pretrain.MLM_TARGETS == {"small": 3.0, "large": 1.5}
    assert (pretrain.LINES_TARGET, pretrain.ORIGINAL_TARGET) == (4.0, 1.25)
    assert pytest.approx(0.714, abs=5e-4) == pretrain.MPNET_TARGET
    spec = BenchPretrainSpec()
    assert spec.runs >= 7
    assert (spec.small.layers, spec.small.width, spec.small.length) == (4, 256, 128)
    assert (spec.large.layers, spec.large.width, spec.large.length) == (12, 768, 128)


def test_peer_text_is_concatenated_and_cut_as_in_run_mlm():
    rows = {"input_ids": [[1, 2, 3], [4], [5, 6, 7, 8]], "attention_mask": [[1] * 3, [1], [1] * 4]}
    assert pretrain_sides.group_texts(rows, 3)["input_ids"] == [[1, 2, 3], [4, 5, 6]]
    assert pretrain_sides.group_texts(rows, 3)["attention_mask"] == [[1, 1, 1]] * 2


def test_blocks_are_joined_in_order():
    class Blocks(list):
        length = 2

    rows = Blocks((np.array([i, i]), np.array([10 * i, 10 * i])) for i in range(5))
    joined = Joined(rows, 2)
    assert (len(joined), joined.length) == (2, 4)
    assert [column.tolist() for column in joined[1]] == [[2, 2, 3, 3], [20, 20, 30, 30]]


def test_linear_and_quadratic_terms_are_found_again():
    lengths = (64, 128, 256)
    found = pretrain_scaling.fit(lengths, [3e-5 + 2e-8 * n for n in lengths])
    assert found == pytest.approx((3e-5, 2e-8))


def test_flops_of_a_step_count_weights_scores_and_the_head_on_predicted_positions():
    shape = Shape(layers=1, width=64, heads=2, batch_size=3, length=100)
    d, rows, keys = 64, 15, 100  # a single layer is the last one: only the predicted rows go through it
    layer = 2 * d * d * 2 * (rows + keys) + 2 * d * 4 * d * 2 * rows + 2 * d * 2 * rows * keys
    head = 2 * rows * d * (d + 30522)
    assert pretrain_scaling.flops_of(shape) == 3 * 3 * (layer + head)


def test_scaling_table_keeps_the_tokens_of_a_step_constant(monkeypatch, tmp_path):
    monkeypatch.setattr(pretrain_scaling, "step_seconds", lambda _, shape: shape.batch_size * shape.length * 1e-4)
    monkeypatch.setattr(pretrain_scaling, "stage_seconds", lambda _, shape, count: 1.0 / count)
    models = [Shape(layers=1, width=32, heads=2), Shape(layers=2, width=32, heads=2)]
    found = pretrain_scaling.table_of_times(None, models, (64, 512), (1, 2))
    assert list(found.columns) == pretrain_scaling.COLUMNS
    assert (found["length"] * found["batch"] == 2048).all()
    assert found["tokens_per_second"].head(4).tolist() == pytest.approx([1e4] * 4)
    assert found["quadratic_seconds_per_token2"].head(4).tolist() == pytest.approx([0] * 4, abs=1e-12)
    assert found["processes"].tolist() == [1, 1, 1, 1, 1, 2]
    again = [pretrain_scaling.draw(found, tmp_path / name / "x.svg").read_bytes() for name in "ab"]
    assert again[0] == again[1]


def test_table_is_that_of_all_benches(tmp_path):
    ratio = pretrain._rates("case", "peer", [(loops.Window(1.0, 2, {}), loops.Window(1.0, 1, {}))] * 7, 1.5)
    table = pd.read_csv(timing.write([ratio], tmp_path / "pretrain.tsv"), sep="\t")
    assert tuple(table.columns) == timing.COLUMNS
    assert "reached" in ratio.sentence()


@pytest.mark.slow
def test_every_case_runs_on_tiny_blocks(tmp_path_factory):
    from tests import tiny

    root = tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=32)
    texts = pd.read_parquet(root.parent / "corpus/documents.parquet")["text"].tolist() * 3
    bench = pretrain.Bench(root, texts, threads=1, runs=1)
    shape = Shape(layers=1, width=16, heads=2, batch_size=2, length=32, steps=1)
    found = [*bench.mlm("small", shape), *bench.lines(shape)]
    assert [ratio.peer.split(",")[0] for ratio in found] == [
        "transformers Trainer",
        "our step",
        "our step",
        "transformers Trainer",
    ]
    assert all(np.isfinite(ratio.ratios).all() and min(ratio.ratios) > 0 for ratio in found)
    profile = pretrain_profile.table_of_parts(root, shape, 1)
    assert list(profile.columns) == pretrain_profile.COLUMNS
    assert (profile.groupby("side")["share"].sum() <= 1).all() and (profile["share"] > 0).all()


def test_the_end_of_a_run_says_which_targets_were_missed(tmp_path):
    ratios = [
        timing.Ratio("MLM", "Trainer", (1.4, 1.6, 1.5), 1.5, "x"),
        timing.Ratio("MLM", "lines", (2.0,), 4.0, "x"),
        timing.Ratio("no target", "lines", (2.0,), None, "x"),
    ]
    path = timing.write(ratios, tmp_path / "pretrain.tsv")
    assert closing.bench_results(tmp_path) == [f"{path}: 1 of 2 targets reached; missed: MLM, beside lines"]
    timing.write(ratios[:1], path)
    assert closing.bench_results(tmp_path) == [f"{path}: 1 of 1 targets reached"]
