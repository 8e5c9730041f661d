"""Metrics equal scikit-learn's and scipy's; comparisons find what is there, miss what is not, and repeat to the bit."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from seqeval import metrics as seqeval
from sklearn import metrics

from scriptorium.evaluation import classification, tagging, word_measures
from scriptorium.evaluation.statistics import compare_metric, compare_totals, holm, mean_sd


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


def compare(a, b, **settings):
    """By the mean of scores [seeds, examples]."""
    totals = [np.stack([scores, np.ones_like(scores)], -1) for scores in (np.asarray(a, float), np.asarray(b, float))]
    return compare_totals(*totals, lambda sums: sums[..., 0] / sums[..., 1], **settings)


def test_a_real_difference_is_found_and_has_the_right_sign():
    found = compare(hits(0.85, 5, 800, 1), hits(0.75, 5, 800, 2), resamples=2000)
    assert found.difference == pytest.approx(0.10, abs=0.02)
    assert 0 < found.low < found.difference < found.high
    assert found.p < 0.001
    back = compare(hits(0.75, 5, 800, 2), hits(0.85, 5, 800, 1), resamples=2000)
    assert back.difference == pytest.approx(-found.difference)


def test_equal_variants_have_no_difference_at_all():
    a = hits(0.8, 2, 100, 1)
    found = compare(a, a, resamples=500)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_under_the_null_hypothesis_few_p_values_are_small_and_intervals_cover_0():
    """One in twenty below 0.05, also where a hard example is hard for all seeds and all variants."""
    found = [
        compare(hits(0.7, 3, 150, 2 * i, 2.0), hits(0.7, 3, 150, 2 * i + 1, 2.0), resamples=400) for i in range(200)
    ]
    assert 0.005 <= np.mean([f.p < 0.05 for f in found]) <= 0.10
    assert np.mean([f.low <= 0 <= f.high for f in found]) >= 0.92


def test_the_interval_counts_the_variation_over_seeds():
    """Same number of results, same variance between examples; only here every seed moves as a whole."""
    generator = np.random.default_rng(0)
    still = generator.normal(0, 1, (5, 400))
    moving = still + generator.normal(0, 0.5, (5, 1))
    zero = np.zeros_like(still)
    width = [f.high - f.low for f in (compare(still, zero, resamples=1000), compare(moving, zero, resamples=1000))]
    assert width[1] > 2 * width[0]


def test_with_one_seed_p_is_that_of_mcnemars_exact_test():
    a, b = np.zeros((2, 1, 200))
    a[0, :14], b[0, 14:19] = 1, 1  # 14 examples where only a hits, 5 where only b does
    exact = stats.binomtest(14, 19).pvalue
    assert compare(a, b, resamples=20_000).p == pytest.approx(exact, abs=0.01)


def test_p_is_never_0():
    assert compare(np.ones((2, 300)), np.zeros((2, 300)), resamples=999).p == pytest.approx(1 / 1000)


def test_comparing_by_a_metric_agrees_with_comparing_by_scores():
    labels = np.random.default_rng(0).integers(2, size=300)
    a, b = (np.where(h > 0, labels, 1 - labels) for h in (hits(0.85, 3, 300, 1), hits(0.78, 3, 300, 2)))
    by_metric = compare_metric(lambda t, p: float(np.mean(t == p)), labels, a, b, resamples=2000)
    by_score = compare(a == labels, b == labels, resamples=2000)
    assert by_metric.difference == pytest.approx(by_score.difference)
    assert by_metric.low == pytest.approx(by_score.low, abs=0.006)
    assert by_metric.high == pytest.approx(by_score.high, abs=0.006)
    assert by_metric.p == pytest.approx(by_score.p, abs=0.02)


def test_comparisons_repeat_to_the_bit_and_depend_on_their_seed():
    a, b = hits(0.8, 2, 300, 1), hits(0.78, 2, 300, 2)
    assert compare(a, b, resamples=700) == compare(a, b, resamples=700)
    assert compare(a, b, resamples=700) != compare(a, b, resamples=700, seed=1)


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\[seeds, examples, k\]"):
        compare(np.zeros((2, 5)), np.zeros((2, 6)))
    with pytest.raises(ValueError, match=r"\[seeds, examples, k\]"):
        compare(np.zeros(5), np.zeros(5))


def test_holm_is_the_step_down_procedure():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


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


def test_comparing_by_sums_is_comparing_by_scores_where_the_metric_is_a_mean():
    a, b = hits(0.8, 3, 250, 1), hits(0.74, 3, 250, 2)
    sums = [np.stack([own, np.ones_like(own)], axis=-1) for own in (a, b)]
    by_sums = compare_totals(*sums, lambda t: t[..., 0] / t[..., 1], resamples=900, seed=4)
    by_score = compare(a, b, resamples=900, seed=4)
    assert dataclasses.astuple(by_sums) == pytest.approx(dataclasses.astuple(by_score), abs=1e-12)


@pytest.mark.parametrize("name", ["mcc", "f1", "pearson"])
def test_comparing_by_sums_agrees_with_computing_the_metric_anew(name):
    labels = np.random.default_rng(0).integers(2, size=300)
    a, b = (np.where(h > 0, labels, 1 - labels) for h in (hits(0.85, 3, 300, 1), hits(0.8, 3, 300, 2)))
    if name == "pearson":
        noise = np.random.default_rng(1).normal(0, 0.3, (2, 3, 300))
        a, b = a + noise[0], b + noise[1]
        sums = [classification.moments(labels, own) for own in (a, b)]
        measure, anew = classification.from_moments, classification.regression
    else:
        sums = [classification.confusion(np.broadcast_to(labels, own.shape), own, 2) for own in (a, b)]
        measure = classification.from_confusion

        def anew(truth, guess):
            return classification.classification(truth, guess, 2)

    by_sums = compare_totals(*sums, lambda t: measure(t)[name], resamples=4000)
    by_metric = compare_metric(lambda t, p: anew(t, p)[name], labels, a, b, resamples=2000)
    assert by_sums.difference == pytest.approx(by_metric.difference)
    width = by_metric.high - by_metric.low
    assert by_sums.low == pytest.approx(by_metric.low, abs=0.08 * width)
    assert by_sums.high == pytest.approx(by_metric.high, abs=0.08 * width)
    assert by_sums.p == pytest.approx(by_metric.p, abs=0.03)


def test_sums_of_unequal_shape_are_refused():
    with pytest.raises(ValueError, match=r"\[seeds, examples, k\]"):
        compare_totals(np.zeros((2, 5, 3)), np.zeros((2, 5, 2)), lambda t: t[..., 0])
    with pytest.raises(ValueError, match=r"\[seeds, examples, k\]"):
        compare_totals(np.zeros((2, 5)), np.zeros((2, 5)), lambda t: t[..., 0])


def test_equal_variants_differ_in_no_sum():
    sums = np.random.default_rng(0).random((2, 40, 3))
    found = compare_totals(sums, sums, lambda t: t[..., 0] / (t[..., 1] + t[..., 2]), resamples=300)
    assert dataclasses.astuple(found) == (0, 0, 0, 1)


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
