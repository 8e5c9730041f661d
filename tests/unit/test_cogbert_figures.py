"""The boundary sweep and the feature weights are tables of what the runs say."""

import numpy as np
import pandas as pd
import pytest

from scriptorium.errors import UserError
from scriptorium.reporting import boundary, eye_tracking, feature_weights
from scriptorium.reporting.differences import FinetuneRun


def run(value: float, seed: int, task: str = "mood") -> FinetuneRun:
    labels = pd.DataFrame(
        {
            "id": ["a", "b"],
            "label": [0, 1],
            "prediction": [0, 1],
            "probability_bad": [0.5, 0.5],
            "probability_good": [0.5, 0.5],
        }
    ).set_index("id")
    return FinetuneRun("x", task, seed, {"test/accuracy": value}, labels)


def test_the_sweep_has_a_row_per_boundary_and_the_plain_encoder_first(tmp_path):
    runs = [(run(0.5, 0), None), (run(0.7, 0), 2), (run(0.9, 1), 2), (run(0.6, 0), 0)]
    table = boundary.boundary_table(runs, {"mood": "test/accuracy"})
    assert table["boundary"].tolist() == [pd.NA, 0, 2]
    assert table["mean"].tolist() == [0.5, 0.6, pytest.approx(0.8)]
    assert table["sd"].iloc[2] == pytest.approx(np.std([0.7, 0.9], ddof=1))
    assert table["best"].tolist() == [False, False, True]
    assert "layers with word-level features" in boundary.figure(table, tmp_path / "x.svg").read_text()


def test_feature_weights_are_averaged_over_seeds_and_keep_every_layer(tmp_path):
    def weights(seed: int, value: float) -> pd.DataFrame:
        rows = [
            {"layer": layer, "level": "lower", "feature": name, "weight": value * layer, "contribution": 0.1}
            for layer in (1, 2)
            for name in ("word_length", "ner")
        ]
        return pd.DataFrame(rows).assign(variant="cogbert", task="mood", seed=seed)

    table = feature_weights.feature_weight_table([weights(0, 0.2), weights(1, 0.4)])
    assert len(table) == 4
    assert table["seeds"].tolist() == [2] * 4
    assert table["weight"].tolist() == pytest.approx([0.3, 0.3, 0.6, 0.6])
    assert "word length" in feature_weights.figure(table, tmp_path / "x.svg").read_text()


def test_a_run_without_feature_weights_is_named(tmp_path):
    with pytest.raises(UserError, match="no feature weights"):
        feature_weights.read(tmp_path / "bert" / "mood" / "seed0" / "manifest.json")


def test_the_eye_tracking_table_has_word_length_alone_as_a_row(tmp_path):
    (tmp_path / "baselines.json").write_text(
        '{"mean/accuracy": 89.0, "mean/mae": 11.0, "word_length/accuracy": 92.5, "word_length/mae": 7.5}'
    )
    metrics = (
        {"test/accuracy": 93.0, "test/mae": 7.0, "validation/accuracy": 1.0},
        {"test/accuracy": 94.0, "test/mae": 6.0},
    )
    empty = pd.DataFrame({"label": [], "prediction": []})
    runs = [FinetuneRun("bert", "gaze-en", seed, own, empty) for seed, own in enumerate(metrics)]
    table = eye_tracking.eye_tracking_table(runs, eye_tracking.baselines("gaze-en", tmp_path / "baselines.json"))
    assert table["model"].tolist() == ["mean of train", "word length alone", "bert"]
    assert table["accuracy"].tolist() == [89.0, 92.5, 93.5]
    assert table["seeds"].tolist() == [0, 0, 2]
    assert "word length alone" in eye_tracking.figure(table, tmp_path / "x.svg").read_text()
