"""Proves that a task in several languages is fine-tuned in one, and measured in each and on their mean."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest
from tests.finetuning import build


def test_every_language_is_measured_and_the_tasks_metric_is_their_mean(tmp_path):
    folder, files = build(tmp_path), []
    for split in ("train", "validation", "test"):
        path = tmp_path / f"data/{split}.parquet"
        table = pd.read_parquet(path)
        table["label"] = [[int(len(word) > 4) for word in text.split()] for text in table["text"]]
        table["language"] = ["en" if split != "test" or n % 4 else "de" for n in range(len(table))]
        table.to_parquet(path, index=False)
        files.append(path)
    manifest.write(tmp_path / "data", files)
    train = {"epochs": 1, "batch_size": 8, "lr": 1e-3, "log_every": 2}
    run = folder.run("run", kind="tagging", labels=["NOUN", "VERB"], train=train)
    found = json.loads((run / "metrics.json").read_text())
    for metric in ("f1", "accuracy"):
        assert found[f"test/{metric}"] == pytest.approx(
            np.mean([found[f"test/{metric}/{code}"] for code in ("en", "de")])
        )
    assert found["validation/accuracy"] == pytest.approx(found["validation/accuracy/en"])
    assert "validation/accuracy/de" not in found
    made = pd.read_parquet(run / "predictions.parquet")
    test = pd.read_parquet(tmp_path / "data/test.parquet")
    assert made["id"].tolist() == test["id"].tolist() and made["language"].tolist() == test["language"].tolist()
    right = {
        code: np.concatenate([np.equal(a, b) for a, b in zip(own["label"], own["prediction"], strict=True)]).mean()
        for code, own in made.groupby("language")
    }
    assert found["test/accuracy/de"] == pytest.approx(right["de"]) and found["test/accuracy/en"] == pytest.approx(
        right["en"]
    )
