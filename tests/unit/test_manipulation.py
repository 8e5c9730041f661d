"""What it means that predictions changed, for each kind of task, and how far what they are made from moved."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scriptorium.evaluation.classification import log_odds
from scriptorium.reporting.manipulation import Manipulation, manipulation
from scriptorium.tasks.spec import KindOfTask


def compared(kind, labels, *tables):
    """The first two tables are seeds 0 and 1 of the baseline, the last is seed 0 of a variant."""
    base = {seed: table for seed, table in enumerate(tables[:-1])}
    return manipulation({0: tables[-1]}, base, KindOfTask(kind=kind, labels=labels))


def classes(right, shares):
    shares = np.asarray(shares, float)
    return pd.DataFrame(
        {
            "label": right,
            "prediction": (shares > 0.5).astype(int),
            "probability_no": 1 - shares,
            "probability_yes": shares,
        }
    )


def test_classes_change_and_move_by_the_log_odds_of_the_right_one():
    base = classes([0, 1, 1, 0], [0.2, 0.8, 0.9, 0.4])
    found = compared("classification", ("no", "yes"), base, classes([0, 1, 1, 0], [0.8, 0.8, 0.9, 0.4]), base)
    assert (found.changed, found.changed_seeds, found.logit_shift) == (0, 0.25, 0)
    moved = compared("classification", ("no", "yes"), base, classes([0, 1, 1, 0], [0.2, 0.2, 0.9, 0.4]))
    assert moved.changed == 0.25 and np.isnan(moved.changed_seeds)
    assert moved.logit_shift == pytest.approx(2 * np.log(4) / 4)


def test_log_odds_keep_their_digits_at_certainty():
    shares = np.array([[1 - 1e-12, 1e-12], [1.0, 0.0]])
    assert log_odds(shares, np.array([0, 0])) == pytest.approx([np.log(1e12), np.log(1e30)])
    assert log_odds(np.array([[0.2, 0.5, 0.3]]), np.array([1])) == pytest.approx([0])


def test_words_change_one_by_one():
    base = pd.DataFrame({"label": [[0, 1], [2]], "prediction": [[0, 1], [2]], "log_odds": [[1.0, 2.0], [3.0]]})
    other = pd.DataFrame({"label": [[0, 1], [2]], "prediction": [[0, 2], [2]], "log_odds": [[1.0, -1.0], [3.0]]})
    found = compared("tagging", ("O", "B-A", "I-A"), base, other)
    assert (found.changed, found.logit_shift) == pytest.approx((1 / 3, 1))


def test_a_number_changes_when_it_moves_by_a_tenth_of_the_labels_deviation():
    label = np.array([0.0, 10.0, 20.0, 30.0])  # their deviation is 12.9
    base, other = (pd.DataFrame({"label": label, "prediction": label + move}) for move in (0.0, [1.2, 1.4, -1.4, 0.0]))
    found = compared("regression", (), base, other)
    assert (found.changed, found.logit_shift) == pytest.approx((0.5, 1.0))


def test_a_measure_of_gaze_changes_by_its_own_deviation():
    label = [[[0.0, 0.0], [10.0, 100.0]], [[20.0, 200.0]]]  # 8.2 and 82
    moved = [[[1.0, 1.0], [10.0, 100.0]], [[20.0, 191.0]]]
    base, other = (pd.DataFrame({"label": label, "prediction": own}) for own in (label, moved))
    found = compared("gaze", ("n_fix", "trt"), base, other)
    assert (found.changed, found.logit_shift) == pytest.approx((2 / 6, 11 / 6))


def test_options_and_answers_change_as_they_are():
    base = pd.DataFrame({"label": [0, 2], "prediction": [0, 2], "probabilities": [[0.5, 0.5], [0.1, 0.1, 0.8]]})
    other = pd.DataFrame({"label": [0, 2], "prediction": [1, 2], "probabilities": [[0.2, 0.8], [0.1, 0.1, 0.8]]})
    found = compared("multiple_choice", (), base, other)
    assert (found.changed, found.logit_shift) == pytest.approx((0.5, np.log(4) / 2))
    base = pd.DataFrame({"label": [["a"], []], "prediction": ["a", ""], "gap": [-2.0, 1.0]})
    other = pd.DataFrame({"label": [["a"], []], "prediction": ["a", "b"], "gap": [-2.5, -1.0]})
    found = compared("question_answering", (), base, other)
    assert (found.changed, found.logit_shift) == pytest.approx((0.5, 1.25))


@pytest.mark.parametrize(
    ("changed", "seeds", "decided", "acted"),
    [
        (0.02, 0.01, False, True),
        (0.02, float("nan"), False, True),
        (0.009, float("nan"), False, False),
        (0.009, 0.001, True, False),
        (0.02, 0.02, False, False),
        (0.02, 0.03, False, False),
        (0.02, 0.03, True, True),
        (0.95, 0.96, False, True),  # whole translations: nearly all of them differ between any two runs
    ],
)
def test_an_intervention_acted_where_it_changes_more_than_seeds_do(changed, seeds, decided, acted):
    assert Manipulation(changed, seeds, 0.1).acted(decided=decided) == acted
