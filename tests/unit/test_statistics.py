"""Metrics equal scikit-learn's and scipy's; comparisons equal textbook tests where there is one, and simulated models
show that they keep their promises where there is none."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from seqeval import metrics as seqeval
from sklearn import metrics

from scriptorium.errors import UserError
from scriptorium.evaluation import (
    classification,
    pseudo_values,
    rank_correlation,
    simulated,
    statistics_check,
    tagging,
    word_measures,
)
from scriptorium.evaluation.statistics import compare, compare_metric, estimate, estimate_metric, holm, mean_sd, split
from scriptorium.stages import check_statistics
from tests.tiny import run_twice


def draws(classes: int, seed: int = 0, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(classes, size=n)
    return labels, np.where(generator.random(n) < 0.6, labels, generator.integers(classes, size=n))


@pytest.mark.parametrize("classes", [2, 5])
def test_classification_metrics_equal_scikit_learns(classes):
    labels, predictions = draws(classes)
    ours = classification.classification(labels, predictions, classes)
    average = "binary" if classes == 2 else "macro"
    assert ours["accuracy"] == pytest.approx(metrics.accuracy_score(labels, predictions))
    assert ours["f1"] == pytest.approx(metrics.f1_score(labels, predictions, average=average))
    assert ours["mcc"] == pytest.approx(metrics.matthews_corrcoef(labels, predictions))


def test_metrics_of_a_constant_prediction_are_0_and_not_missing():
    labels = np.array([0, 1, 1, 0])
    assert classification.classification(labels, np.zeros(4, int), 2) == {
        "accuracy": 0.5,
        "error": 0.5,
        "f1": 0.0,
        "mcc": 0.0,
    }
    found = classification.regression(labels.astype(float), np.ones(4))
    assert (found["pearson"], found["spearman"], found["mse"]) == (0.0, 0.0, 0.5)


def test_a_class_that_never_occurs_counts_as_0_in_f1():
    labels, predictions = np.array([0, 0, 1]), np.array([0, 0, 1])
    assert classification.classification(labels, predictions, 3)["f1"] == pytest.approx(2 / 3)


def test_regression_metrics_equal_scipys_with_ties():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 6, 200).astype(np.float32)
    predictions = (labels + generator.normal(0, 2, 200)).round(1).astype(np.float32)
    ours = classification.regression(labels, predictions)
    assert ours["pearson"] == pytest.approx(stats.pearsonr(labels, predictions)[0])
    assert ours["spearman"] == pytest.approx(stats.spearmanr(labels, predictions)[0])
    assert ours["mse"] == pytest.approx(metrics.mean_squared_error(labels, predictions))


def test_probabilities_are_a_stable_softmax():
    values = classification.probabilities(np.array([[1e4, 1e4], [0.0, math.log(3)]]))
    assert values.tolist() == pytest.approx(np.array([[0.5, 0.5], [0.25, 0.75]]))


def test_the_deviation_of_one_value_is_unknown():
    assert mean_sd([1.0, 3.0]) == (2.0, pytest.approx(math.sqrt(2)))
    mean, deviation = mean_sd([4.0])
    assert mean == 4.0
    assert math.isnan(deviation)


def hits(rate: float, seeds: int, examples: int, seed: int, sharpness: float = 0.0) -> np.ndarray:
    """Hits [seeds, examples]; with sharpness, examples differ in how hard they are, the same for all seeds."""
    generator = np.random.default_rng(seed)
    ease = np.random.default_rng(99).normal(0, sharpness, examples) + np.log(rate / (1 - rate))
    return (generator.random((seeds, examples)) < 1 / (1 + np.exp(-ease))).astype(float)


def of_means(a, b, **settings):
    """By the mean of scores [seeds, examples]."""
    return compare(with_ones(a), with_ones(b), mean, **settings)


def with_ones(scores):
    return np.stack([np.asarray(scores, float), np.ones(np.shape(scores))], -1)


def mean(sums):
    return sums[..., 0] / sums[..., 1]


def test_a_real_difference_is_found_and_has_the_right_sign():
    found = of_means(hits(0.85, 5, 800, 1), hits(0.75, 5, 800, 2))
    assert found.difference == pytest.approx(0.10, abs=0.02)
    assert 0 < found.low < found.difference < found.high
    assert found.p < 0.001
    back = of_means(hits(0.75, 5, 800, 2), hits(0.85, 5, 800, 1))
    assert (back.difference, back.low, back.p) == pytest.approx((-found.difference, -found.high, found.p))


def test_with_one_seed_the_interval_is_that_of_the_paired_t_test_over_examples_and_there_is_no_p():
    generator = np.random.default_rng(0)
    a, b = generator.normal(0.3, 1, (1, 60)), generator.normal(0, 1, (1, 60))
    found, expected = of_means(a, b), stats.ttest_rel(a[0], b[0]).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert math.isnan(found.p) and math.isnan(found.seeds_needed)


@pytest.mark.parametrize("seeds", [(2, 2), (5, 5), (3, 7)])
def test_where_only_seeds_vary_it_is_welchs_t_test_of_the_seeds(seeds):
    """Every example of a seed is the same, so there is nothing else."""
    generator = np.random.default_rng(0)
    means = generator.normal(0.5, 1, seeds[0]), generator.normal(0, 2, seeds[1])
    found = of_means(*(np.repeat(own[:, None], 50, axis=1) for own in means))
    expected = stats.ttest_ind(*means, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_paired_seeds_are_those_of_the_paired_t_test():
    generator = np.random.default_rng(0)
    a, b = generator.normal(0, 1, (2, 6)) + generator.normal(0, 5, 6)  # the shared encoder of each seed
    sides = [np.repeat(own[:, None], 50, axis=1) for own in (a, b)]
    assert of_means(*sides, paired=True).p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert of_means(*sides, paired=True).seeds_variance < of_means(*sides).seeds_variance / 10


def test_where_only_examples_vary_more_seeds_do_not_help():
    """The same model five times: the interval is that of one, and no number of seeds decides."""
    a, b = hits(0.80, 1, 500, 1), hits(0.79, 1, 500, 2)
    once, often = of_means(a, b), of_means(np.repeat(a, 5, axis=0), np.repeat(b, 5, axis=0))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert often.p == pytest.approx(stats.ttest_rel(a[0], b[0]).pvalue)
    assert math.isnan(often.seeds_needed)


def test_the_seeds_needed_decide_when_they_are_there_and_half_of_them_do_not():
    def side(count, shift):
        spread = np.linspace(-1, 1, count)
        return np.repeat((spread / spread.std(ddof=1) + shift)[:, None], 40, axis=1)

    found = of_means(side(4, 1.0), side(4, 0.0))
    assert found.low < 0 and found.seeds_needed > 4
    needed = int(found.seeds_needed)
    assert of_means(side(needed, 1.0), side(needed, 0.0)).low > 0
    assert of_means(side(needed - 1, 1.0), side(needed - 1, 0.0)).low < 0
    assert found.needed(level=0.99) > needed
    assert found.needed(smallest=9.0) < needed  # that nothing as large as 9 is there takes fewer


def test_paired_seeds_are_counted_once_in_the_seeds_needed():
    def sides(count):
        spread = np.linspace(-1, 1, count)
        own = np.repeat((spread / spread.std(ddof=1) + 1.0)[:, None], 40, axis=1)
        return own, np.zeros_like(own)

    needed = int(of_means(*sides(4), paired=True).seeds_needed)
    assert [of_means(*sides(count), paired=True).low > 0 for count in (needed - 1, needed)] == [False, True]


def test_the_seeds_needed_to_leave_out_an_effect_know_its_direction():
    """a is better by 1: to show that it is not better by 3 takes more than that it is not worse by 3."""
    better = np.repeat(np.array([-3.0, 0.0, 3.0, 4.0])[:, None], 40, axis=1)
    found = of_means(better, np.zeros_like(better))
    assert found.needed(smallest=3.0) > found.needed(smallest=3.0, lower_better=True)


def test_with_other_numbers_of_seeds_the_fewer_count():
    generator = np.random.default_rng(0)
    a, b = (np.repeat(generator.normal(size=count)[:, None], 40, axis=1) for count in (3, 7))
    expected = 3 * (a[:, 0].var(ddof=1) / 3 + b[:, 0].var(ddof=1) / 7)
    assert of_means(a, b).seeds_variance == pytest.approx(expected)
    assert of_means(b, a).seeds_variance == pytest.approx(expected)
    assert math.isnan(of_means(a[:1], b).p), "nothing is known of other seeds of a"


@pytest.mark.parametrize("equal", [False, True])
def test_the_parts_of_the_variance_are_those_of_an_analysis_by_seed_and_example(equal):
    """By hand, with two sides of 3 and 5 seeds and 20 examples; `equal`: seeds differ by nothing."""
    generator = np.random.default_rng(0)
    pseudo = [generator.normal(0, 1, (seeds, 20)) + generator.normal(0, 2, 20) for seeds in (3, 5)]
    values = [np.zeros(len(own)) if equal else generator.normal(0, 9, len(own)) for own in pseudo]
    left = 0.0
    for own in pseudo:
        seeds, n = own.shape
        rest = own - own.mean(axis=1, keepdims=True) - own.mean(axis=0, keepdims=True) + own.mean()
        left += (rest**2).sum() / ((seeds - 1) * (n - 1)) / (seeds * n)
    of_seeds = [own.var(ddof=1) / len(own) for own in values]
    of_examples = (pseudo[0].mean(axis=0) - pseudo[1].mean(axis=0)).var(ddof=1) / 20
    found = split(list(zip(values, pseudo, strict=True)))
    assert found.seeds == pytest.approx(left if equal else sum(of_seeds))
    assert found.examples == pytest.approx(of_examples - left)
    welch = sum(of_seeds) ** 2 / (of_seeds[0] ** 2 / 2 + of_seeds[1] ** 2 / 4) if not equal else 2 + 4
    assert found.degrees == pytest.approx(welch)


def test_the_interval_counts_the_variation_over_seeds():
    """Same number of results, same variance between examples; only here every seed moves as a whole."""
    generator = np.random.default_rng(0)
    still = generator.normal(0, 1, (5, 400))
    moving = still + generator.normal(0, 0.5, (5, 1))
    zero = np.zeros_like(still)
    width = [f.high - f.low for f in (of_means(still, zero), of_means(moving, zero))]
    assert width[1] > 2 * width[0]


def test_p_is_below_a_level_exactly_where_the_interval_leaves_out_0():
    found = [of_means(hits(0.75, 3, 100, 2 * i), hits(0.6, 3, 100, 2 * i + 1), level=0.9) for i in range(60)]
    outside = [each.low > 0 or each.high < 0 for each in found]
    assert [each.p < 0.1 for each in found] == outside
    assert 0 < sum(outside) < 60


def test_neither_the_order_of_examples_and_seeds_nor_another_unit_changes_a_comparison():
    a, b = hits(0.8, 4, 90, 1), hits(0.7, 3, 90, 2)
    order = np.random.default_rng(0).permutation(90)
    found, moved = of_means(a, b), of_means(a[::-1][:, order], b[:, order])
    assert dataclasses.astuple(moved) == pytest.approx(dataclasses.astuple(found), nan_ok=True)
    scaled = of_means(100 * a + 7, 100 * b + 7)
    assert (scaled.difference, scaled.low, scaled.p) == pytest.approx(
        (100 * found.difference, 100 * found.low, found.p)
    )


def test_an_estimate_is_the_t_interval_over_examples_or_over_seeds():
    generator = np.random.default_rng(0)
    one, seeds = generator.normal(0, 1, (1, 80)), generator.normal(0, 1, 4)
    for scores, sample in ((one, one[0]), (np.repeat(seeds[:, None], 50, axis=1), seeds)):
        found, expected = estimate(with_ones(scores), mean), stats.ttest_1samp(sample, 0).confidence_interval()
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
        assert found.value == pytest.approx(sample.mean())


def test_pseudo_values_of_a_mean_are_the_scores_themselves():
    scores = np.random.default_rng(0).normal(size=(2, 3, 30))
    whole, pseudo = pseudo_values.of_totals(with_ones(scores), mean)
    np.testing.assert_allclose(whole, scores.mean(axis=-1))
    np.testing.assert_allclose(pseudo, scores)


@pytest.mark.parametrize("name", ["mcc", "f1", "pearson"])
def test_comparing_by_sums_equals_computing_the_metric_anew_without_each_example(name):
    labels = np.random.default_rng(0).integers(2, size=60)
    a, b = (np.where(h > 0, labels, 1 - labels) for h in (hits(0.85, 3, 60, 1), hits(0.7, 3, 60, 2)))
    if name == "pearson":
        noise = np.random.default_rng(1).normal(0, 0.3, (2, 3, 60))
        a, b = a + noise[0], b + noise[1]
        sums = [classification.moments(labels, own) for own in (a, b)]
        measure, anew = classification.from_moments, classification.regression
    else:
        sums = [classification.confusion(np.broadcast_to(labels, own.shape), own, 2) for own in (a, b)]
        measure = classification.from_confusion

        def anew(truth, guess):
            return classification.classification(truth, guess, 2)

    def by_sums(sums):
        return measure(sums)[name]

    def by_labels(truth, guess):
        return anew(truth, guess)[name]

    found, expected = compare(*sums, by_sums), compare_metric(by_labels, labels, a, b)
    assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(expected), nan_ok=True)
    found, expected = estimate(sums[0], by_sums), estimate_metric(by_labels, labels, a)
    assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(expected))


@pytest.mark.parametrize("digits", [0, 1, 9])
@pytest.mark.parametrize("n", [3, 8, 65])
def test_spearman_without_each_example_is_exact_also_with_ties(n, digits):
    generator = np.random.default_rng([n, digits])
    labels = generator.normal(0, 1, n).round(digits)
    guesses = (labels + generator.normal(0, 1, (2, 3, n))).round(digits)
    found = rank_correlation.spearman_left_out(labels, guesses)
    keep = ~np.eye(n, dtype=bool)
    expected = [[[classification.spearman(labels[k], g[k]) for k in keep] for g in own] for own in guesses]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_spearman_without_each_example_is_0_where_the_others_are_constant():
    found = rank_correlation.spearman_left_out(np.array([1.0, 1, 1, 2]), np.array([0.3, 0.1, 0.2, 0.4]))
    assert found[3] == 0 and (found[:3] > 0).all()


@pytest.mark.parametrize(
    ("a", "b", "settings", "message"),
    [
        (np.zeros((2, 5)), np.zeros((2, 5)), {}, r"\[seeds, examples, k\]"),
        (np.zeros((2, 1, 3)), np.zeros((2, 1, 3)), {}, "two examples or more"),
        (np.zeros((2, 5, 3)), np.zeros((2, 6, 3)), {}, "other examples"),
        (np.zeros((2, 5, 3)), np.zeros((3, 5, 3)), {"paired": True}, "as many on both sides, not 2 and 3"),
    ],
)
def test_shapes_that_cannot_be_compared_are_refused(a, b, settings, message):
    with pytest.raises(ValueError, match=message):
        compare(a, b, lambda sums: sums[..., 0], **settings)
    with pytest.raises(ValueError, match="of 4 labels"):
        compare_metric(classification.spearman, np.zeros(4), np.zeros((2, 5)), np.zeros((2, 5)))


# --- the simulation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "deviation"),
    [(simulated.classified, 0.05), (simulated.modelled, 0.15), (simulated.translated, 0.15), (simulated.ranked, 0.15)],
)
def test_false_positives_and_coverage_keep_their_bounds_with_few_seeds_that_differ(draw, deviation):
    """The whole grid is `snakemake check_statistics`; 200 simulations give shares a standard error of .016."""
    rows = pd.DataFrame(statistics_check.checked_cells([3], [100], [deviation], simulations=200, draws=[draw]))
    assert (rows["false_positives"] <= statistics_check.MOST_FALSE + 0.016).all()
    assert (rows[["coverage", "coverage_one"]] >= statistics_check.LEAST_COVERED - 0.016).all(axis=None)
    assert (rows["power"] > rows["false_positives"]).all()


def test_a_procedure_that_takes_the_seeds_as_given_fails_the_simulation(monkeypatch):
    """As the sign flips and the bootstrap of trained models did that stood here before."""

    def of_examples_alone(sides):
        return split([(values.mean(axis=-1, keepdims=True), own.mean(axis=-2, keepdims=True)) for values, own in sides])

    monkeypatch.setattr(statistics_check, "split", of_examples_alone)
    cells = statistics_check.checked_cells([3], [1000], [0.15], simulations=100, draws=[simulated.modelled])
    rows = pd.DataFrame(cells)
    assert rows["false_positives"].item() > 0.3
    assert "loss, 3 seeds, n 1000, deviation 0.15" in statistics_check.broken(rows)[0]


def test_the_stage_writes_its_table_and_ends_in_failure_where_a_bound_is_broken(tmp_path, monkeypatch):
    spec = check_statistics.CheckStatisticsSpec(seeds=(3,), examples=(50,), deviations=(0.1,), simulations=40)
    monkeypatch.setattr(statistics_check, "MOST_FALSE", 0.3)  # 40 simulations say little
    monkeypatch.setattr(statistics_check, "LEAST_COVERED", 0.7)
    first, second = run_twice(check_statistics, spec, {}, {"table": "t.tsv"}, tmp_path, monkeypatch)
    assert first == second
    names = first["table"].decode().splitlines()[0].split("\t")
    assert names[:7] == ["metric", "seeds", "n", "seed_sd", "false_positives", "coverage", "power"]
    monkeypatch.setattr(statistics_check, "LEAST_COVERED", 1.1)
    (tmp_path / "broken").mkdir()
    with pytest.raises(UserError, match=r"accuracy, 3 seeds, n 50, deviation 0.1: coverage .*1.1 is asked for"):
        run_twice(check_statistics, spec, {}, {"table": "t.tsv"}, tmp_path / "broken", monkeypatch)


def test_holm_is_the_step_down_procedure():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.03, math.nan, 0.02]) == pytest.approx([0.04, math.nan, 0.04], nan_ok=True)


# --- metrics of sums ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_of_summed_confusions_are_those_of_the_predictions(classes):
    labels, predictions = draws(classes, n=150)
    many = np.stack([predictions, labels, np.zeros_like(labels)])
    sums = classification.confusion(np.broadcast_to(labels, many.shape), many, classes).sum(axis=1)
    found = classification.from_confusion(sums)
    for i, own in enumerate(many):
        expected = classification.classification(labels, own, classes)
        assert {name: values[i] for name, values in found.items()} == pytest.approx(expected)


def test_metrics_of_summed_moments_are_those_of_the_predictions():
    generator = np.random.default_rng(0)
    labels = generator.normal(1e4, 1, 80)
    predictions = np.stack([labels + generator.normal(0, 1, 80), np.full(80, 1e4 + 3)])
    found = classification.from_moments(classification.moments(labels, predictions).sum(axis=1))
    assert found["pearson"][0] == pytest.approx(stats.pearsonr(labels, predictions[0])[0])
    assert found["pearson"][1] == 0
    assert found["mse"] == pytest.approx(((labels - predictions) ** 2).mean(axis=1))


# --- tagging and eye-tracking prediction --------------------------------------------------------------------------

TAGS = ("O", "B-A", "I-A", "B-B", "I-B")


def tagged(sentences: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    generator = np.random.default_rng(seed)
    labels = [generator.integers(len(TAGS), size=generator.integers(1, 9)) for _ in range(sentences)]
    guess = [
        np.where(generator.random(len(own)) < 0.7, own, generator.integers(len(TAGS), size=len(own))) for own in labels
    ]
    return labels, guess


@pytest.mark.parametrize("seed", range(5))
def test_tagging_metrics_equal_seqevals(seed):
    labels, guess = tagged(60, seed)
    true, predicted = ([[TAGS[tag] for tag in own] for own in side] for side in (labels, guess))
    found = tagging.measures(labels, guess, TAGS)
    assert found == pytest.approx(
        {
            "f1": seqeval.f1_score(true, predicted),
            "precision": seqeval.precision_score(true, predicted),
            "recall": seqeval.recall_score(true, predicted),
            "accuracy": seqeval.accuracy_score(true, predicted),
        }
    )


def test_a_chunk_counts_only_with_its_bounds_and_its_type():
    labels = [np.array([1, 2, 0, 3]), np.array([1, 2, 2])]  # chunks: A 0-1, B 3-3; A 0-2
    guess = [np.array([1, 2, 0, 1]), np.array([1, 2, 0])]  # right; wrong type; too short
    found = tagging.measures(labels, guess, TAGS)
    assert found == pytest.approx({"f1": 1 / 3, "precision": 1 / 3, "recall": 1 / 3, "accuracy": 5 / 7})
    assert tagging.totals(labels, guess, TAGS).tolist() == [[1, 2, 2, 3, 4], [0, 1, 1, 2, 3]]


def test_a_model_that_finds_no_chunk_has_f1_0():
    assert tagging.measures([np.array([1, 2])], [np.array([0, 0])], TAGS)["f1"] == 0


def test_accuracy_of_reading_is_100_minus_the_mean_error_over_words_and_measures():
    labels = [np.array([[0.0, 10.0], [100.0, 20.0]]), np.array([[50.0, 30.0]])]
    guess = [np.array([[10.0, 10.0], [90.0, 26.0]]), np.array([[40.0, 33.0]])]
    found = word_measures.measures(labels, guess, ("n_fix", "trt"))
    assert found == pytest.approx({"accuracy": 93.5, "mae": 6.5, "mae_n_fix": 10, "mae_trt": 3})
    errors = np.abs(np.concatenate(labels) - np.concatenate(guess))
    assert found["mae"] == pytest.approx(errors.mean())


def test_baselines_of_reading_are_fitted_on_train():
    train = (["a bb cccc"], [np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 8.0]])])  # the first measure is the length
    test = (["ddd e"], [np.array([[3.0, 6.0], [2.0, 5.0]])])
    found = word_measures.baselines(train, test, ("n_fix", "trt"))
    assert found["mean/mae_n_fix"] == pytest.approx((3 - 7 / 3 + 7 / 3 - 2) / 2)
    assert found["median/mae_n_fix"] == pytest.approx((1 + 0) / 2)
    assert found["word_length/mae_n_fix"] == pytest.approx((0 + 1) / 2)
    line = stats.linregress([1, 2, 4], [5, 5, 8])
    expected = np.abs(line.intercept + line.slope * np.array([3, 1]) - [6, 5]).mean()
    assert found["word_length/mae_trt"] == pytest.approx(expected)
    assert found["word_length/accuracy"] == pytest.approx(100 - (found["word_length/mae_n_fix"] + expected) / 2)
