"""Proves that pre-training variants are compared on the same held-out blocks, and that a verdict needs evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import transformers

from scriptorium.errors import UserError
from scriptorium.objectives import held_out
from scriptorium.reporting import pretraining_study
from scriptorium.reporting.pretraining import PretrainRun

BLOCKS = 60


def run(recipe: str, seed: int, level: float, *, blocks: int = BLOCKS, ordered: bool = True) -> PretrainRun:
    """Held-out blocks of 10 predictions whose mean loss is `level`, harder and easier blocks alike for all runs."""
    hardness = np.random.default_rng(0).normal(0, 1, blocks)
    loss = 10 * (
        level + hardness - hardness.mean() + 0.01 * np.random.default_rng([seed, len(recipe)]).normal(size=blocks)
    )
    frame = pd.DataFrame({"loss": loss, "predicted": 10, "correct": 1})
    metrics = {"validation/loss": loss.sum() / (10 * blocks), "validation/accuracy": 0.1, "train/steps": 20,
               "train/tokens": 2e6, "train/flops": 3e12, "model/parameters": 5,
               "validation/unigram_loss": 7.0}  # fmt: skip
    if ordered:
        metrics |= {"visible/tokens": 0.925, "visible/positions": 1.0}
        metrics |= {f"validation/loss_by_rank/{i}": level - 0.01 * i for i in range(1, 11)}
        metrics |= {f"validation/loss_by_rank_error/{i}": 0.02 for i in range(1, 11)}
    curves = {"train/loss": [(10, 7.0)], "validation/loss": [(10, 7.0), (20, level)]}
    return PretrainRun(recipe, seed, metrics, curves, frame)


def study(**levels: float) -> list[PretrainRun]:
    return [run(name, seed, level) for name, level in levels.items() for seed in range(3)]


def made(runs: list[PretrainRun], baseline: str = "base") -> pd.DataFrame:
    return pretraining_study.table(runs, baseline, resamples=500, seed=0).set_index("recipe")


def test_a_lower_loss_on_the_same_blocks_is_found_although_blocks_differ_more_than_variants():
    table = made(study(base=6.5, better=6.4, same=6.5))
    assert table.loc["better", "delta"] == pytest.approx(-0.1, abs=0.01)
    assert table.loc["better", "ci_low"] < -0.1 < table.loc["better", "ci_high"] < 0
    assert table["verdict"].to_dict() == {
        "base": "baseline", "better": pretraining_study.LOWER, "same": pretraining_study.UNKNOWN,
    }  # fmt: skip
    assert table.loc["base", ["delta", "p"]].isna().all()
    assert (table["scale"] == "3 seeds: a quick look").all()


def test_a_mean_weights_tokens_and_not_blocks():
    base, other = run("base", 0, 6.0), run("other", 0, 6.0)
    other.held_out.loc[0, ["loss", "predicted"]] = [0.0, 1000]  # one large block, perfectly predicted
    table = made([base, other])
    total = other.held_out["loss"].sum() / other.held_out["predicted"].sum()
    assert table.loc["other", "delta"] == pytest.approx(total - base.metrics["validation/loss"])


def test_other_held_out_examples_give_a_difference_without_a_test():
    table = made([run("base", 0, 6.5), run("pairs", 0, 6.3, blocks=BLOCKS - 1)])
    assert table.loc["pairs", "delta"] == pytest.approx(-0.2, abs=0.01)
    assert table.loc["pairs", "verdict"] == pretraining_study.OTHER
    assert np.isnan(table.loc["pairs", "p_holm"])


def test_a_study_without_its_baseline_or_a_common_seed_is_refused():
    with pytest.raises(UserError, match="baseline 'base'"):
        made([run("other", 0, 6.0)])
    with pytest.raises(UserError, match="no seed in common"):
        made([run("base", 0, 6.0), run("other", 1, 6.0)])


def test_figures_are_drawn_and_name_every_variant(tmp_path):
    runs = [*study(base=6.5, better=6.4), run("bert", 0, 6.6, ordered=False)]
    loss = pretraining_study.figure(runs, tmp_path / "loss.svg").read_text()
    assert all(name in loss for name in ("base", "better", "bert", "FLOPs"))
    ranks = pretraining_study.ranks(runs, tmp_path / "ranks.svg").read_text()
    assert "better: sees 92.5% of tokens" in ranks and "bert" not in ranks
    with pytest.raises(UserError, match="none of these runs predicts in an order"):
        pretraining_study.ranks([run("bert", 0, 6.6, ordered=False)], tmp_path / "none.svg")


def test_held_out_rows_are_sums_over_counted_predictions_in_both_forms_of_outputs():
    labels = np.array([[5, -100, 7], [1, 2, -100]])
    losses = np.array([[1.0, 9.0, 2.0], [0.5, 0.25, 9.0]])
    correct = np.array([[True, True, False], [True, True, True]])
    each = held_out.table(transformers.EvalPrediction(predictions=(losses, correct), label_ids=labels))
    summed = held_out.table(
        transformers.EvalPrediction(predictions=(np.array([3.0, 0.75]), np.array([1, 2])), label_ids=(labels, None))
    )
    pd.testing.assert_frame_equal(each, summed)
    assert each.to_dict("list") == {"loss": [3.0, 0.75], "predicted": [2, 2], "correct": [1, 2]}
