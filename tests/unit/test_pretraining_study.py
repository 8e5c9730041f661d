"""Proves that pre-training variants are compared on the same held-out blocks, and that a verdict needs evidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import transformers

from scriptorium.errors import UserError
from scriptorium.objectives import held_out, order
from scriptorium.reporting import prediction_order, pretraining_study
from scriptorium.reporting.pretraining import PretrainRun

BLOCKS = 60


def run(recipe: str, seed: int, level: float, *, blocks: int = BLOCKS, ordered: bool = True) -> PretrainRun:
    """Held-out blocks of 10 predictions whose mean loss is `level`, harder and easier blocks alike for all runs."""
    hardness = np.random.default_rng(0).normal(0, 1, blocks)
    loss = 10 * (
        level + hardness - hardness.mean() + 0.01 * np.random.default_rng([seed, len(recipe)]).normal(size=blocks)
    )
    frame = pd.DataFrame({"loss": loss, "predicted": 10, "correct": 1})
    if ordered:  # one prediction of each tenth; which tokens stand there makes more of a difference than anything else
        tokens = np.random.default_rng(1).normal(0, 1, (blocks, 10))
        tokens -= tokens.mean(1, keepdims=True)
        noise = np.random.default_rng([seed, len(recipe), 1]).normal(0, 0.002, (blocks, 10))
        for tenth in order.TENTHS:
            frame[order.loss_column(tenth)] = loss / 10 + (tokens + noise)[:, tenth - 1]
            frame[order.predicted_column(tenth)] = 1
    metrics = {
        "validation/loss": loss.sum() / (10 * blocks),
        "validation/accuracy": 0.1,
        "train/steps": 20,
        "train/tokens": 2e6,
        "train/flops": 3e12,
        "model/parameters": 5,
        "validation/unigram_loss": 7.0,
    }
    if ordered:
        metrics |= {"visible/tokens": 0.925, "visible/positions": 1.0}
        metrics |= {f"validation/loss_by_rank/{i}": level - 0.01 * i for i in range(1, 11)}
        metrics |= {f"validation/loss_by_rank_error/{i}": 0.02 for i in range(1, 11)}
    curves = {"train/loss": [(10, 7.0)], "validation/loss": [(10, 7.0), (20, level)]}
    return PretrainRun(recipe, seed, metrics, curves, frame)


def study(**levels: float) -> list[PretrainRun]:
    return [run(name, seed, level) for name, level in levels.items() for seed in range(3)]


def made(runs: list[PretrainRun], baseline: str = "base") -> pd.DataFrame:
    return pretraining_study.table_of_variants(runs, baseline).set_index("recipe")


def test_a_lower_loss_on_the_same_blocks_is_found_although_blocks_differ_more_than_variants():
    table = made(study(base=6.5, better=6.4, same=6.5))
    assert table.loc["better", "delta"] == pytest.approx(-0.1, abs=0.01)
    assert table.loc["better", "ci_low"] < -0.1 < table.loc["better", "ci_high"] < 0
    assert table["verdict"].to_dict() == {
        "base": "baseline",
        "better": pretraining_study.LOWER,
        "same": pretraining_study.UNKNOWN,
    }
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
    every = [run("every", seed, 2.0) for seed in range(3)]  # an objective that predicts every token
    for own in every:
        own.held_out["predicted"] = 32
    table = made([*study(base=6.5), *every])
    assert table.loc["every", "verdict"] == pretraining_study.OTHER and np.isnan(table.loc["every", "p"])


def test_a_study_without_its_baseline_is_refused_and_one_seed_gives_no_verdict():
    with pytest.raises(UserError, match="baseline 'base'"):
        made([run("other", 0, 6.0)])
    row = made([run("base", 0, 6.0), run("other", 1, 6.0)]).loc["other"]
    assert row["verdict"] == "one seed: no verdict" and np.isnan(row["p"]) and np.isfinite(row["ci_low"])


def test_figures_are_drawn_and_name_every_variant(tmp_path):
    runs = [*study(base=6.5, better=6.4), run("bert", 0, 6.6, ordered=False)]
    loss = pretraining_study.figure(runs, tmp_path / "loss.svg").read_text()
    assert all(name in loss for name in ("base", "better", "bert", "FLOPs"))
    rows = prediction_order.table_by_tenth(runs, "base")
    ranks = prediction_order.figure(rows, runs, "base", tmp_path / "ranks.svg").read_text()
    assert "better: sees 92.5% of tokens" in ranks and "bert" not in ranks
    assert "difference to base on the same tokens" in ranks
    alone = prediction_order.figure(rows[rows["recipe"] == "base"], runs, "base", tmp_path / "alone.svg").read_text()
    assert "difference" not in alone
    unordered = [run("bert", 0, 6.6, ordered=False)]
    nothing = prediction_order.table_by_tenth(unordered, "bert")
    assert nothing.empty and list(nothing) == list(rows)
    assert "None of these" in prediction_order.figure(nothing, unordered, "bert", tmp_path / "none.svg").read_text()


def test_what_the_order_is_worth_is_found_under_the_noise_of_the_tokens():
    """From tenth to tenth the tokens differ by 1 nat, and the variant by .01: only the difference on the same tokens
    shows it."""
    runs = study(base=6.5, alike=6.5, falling=6.5)
    for own in runs:
        if own.recipe == "falling":
            for tenth in order.TENTHS:
                own.held_out[order.loss_column(tenth)] -= 0.01 * (tenth - 1)
    rows = prediction_order.table_by_tenth(runs, "base").set_index(["recipe", "tenth"])
    assert rows.loc["base", "delta"].isna().all()
    found = rows.loc["falling"]["delta"]
    assert found.tolist() == pytest.approx([*(-0.01 * i for i in range(10)), -0.09], abs=0.003)
    trend = rows.loc[("falling", "trend")]
    assert trend["ci_low"] < -0.09 < trend["ci_high"] < -0.08
    trend = rows.loc[("alike", "trend")]
    assert trend["ci_low"] < 0 < trend["ci_high"]


def test_the_trend_is_the_least_squares_line_from_the_first_tenth_to_the_last():
    losses = np.random.default_rng(0).normal(size=(3, 10))
    for found, row in zip(prediction_order.trend(losses), losses, strict=True):
        assert found == pytest.approx(9 * np.polyfit(np.arange(10), row, 1)[0])


def test_variants_that_predict_other_tokens_are_not_compared_by_order():
    runs = study(base=6.5, other=6.4)
    for own in runs:
        if own.recipe == "other":
            own.held_out[order.predicted_column(3)] += 1
    rows = prediction_order.table_by_tenth(runs, "base")
    assert rows["delta"].isna().all() and len(rows) == 22
    runs = study(base=6.5, other=6.4)  # as many of them, but others
    for own in runs:
        own.metrics["validation/unigram_loss"] += own.recipe == "other"
    assert prediction_order.table_by_tenth(runs, "base")["delta"].isna().all()


def test_held_out_rows_are_sums_over_counted_predictions_in_both_forms_of_outputs():
    labels = np.array([[5, -100, 7], [1, 2, -100]])
    losses = np.array([[1.0, 9.0, 2.0], [0.5, 0.25, 9.0]])
    correct = np.array([[True, True, False], [True, True, True]])
    each = held_out.table_of_examples(transformers.EvalPrediction(predictions=(losses, correct), label_ids=labels))
    summed = held_out.table_of_examples(
        transformers.EvalPrediction(predictions=(np.array([3.0, 0.75]), np.array([1, 2])), label_ids=(labels, None))
    )
    pd.testing.assert_frame_equal(each[["loss", "predicted", "correct"]], summed)
    assert summed.to_dict("list") == {"loss": [3.0, 0.75], "predicted": [2, 2], "correct": [1, 2]}
    used = [name for name in each if name.startswith("predicted_") and each[name].any()]
    assert used == ["predicted_4", "predicted_5", "predicted_10"], "ranks 1 and 3 of 3, and 1 and 2 of 2"
    assert each["loss_10"].tolist() == [2.0, 0.25] and each["loss_4"].tolist() == [1.0, 0.0]
    assert each[[name for name in each if name.startswith("loss_")]].sum(axis=1).tolist() == each["loss"].tolist()
