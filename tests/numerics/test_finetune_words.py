"""Tags and measures per word are learned, scored at first pieces alone, and come back in the order of the words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

from scriptorium import manifest
from scriptorium.tasks.standardisation import Standardisation
from tests.finetuning import COGNITION, Folder, build

LONG = {"epochs": 12, "batch_size": 8, "lr": 3e-3, "log_every": 5}
MEASURES = ("n_fix", "trt")


@pytest.fixture(scope="module", params=["tagging", "gaze"])
def folder(request, tmp_path_factory) -> tuple[str, Folder]:
    """The sentiment miniature with another label: per word, whether it is long, or how long it is."""
    root = tmp_path_factory.mktemp(request.param)
    made = build(root)
    files = []
    for split in ("train", "validation", "test"):
        path = root / f"data/{split}.parquet"
        table = pd.read_parquet(path)
        lengths = [[len(word) for word in text.split()] for text in table["text"]]
        if request.param == "tagging":
            table["label"] = [[int(n > 4) for n in row] for row in lengths]
        else:
            table["label"] = [[[5.0 * n, 100.0 - 5 * n] for n in row] for row in lengths]
        table.to_parquet(path, index=False)
        files.append(path)
    manifest.write(root / "data", files)
    return request.param, made


def settings(kind: str, **changes) -> dict:
    labels = ["O", "B-LONG"] if kind == "tagging" else list(MEASURES)
    return {"kind": kind, "labels": labels, "train": LONG, **changes}


@pytest.mark.parametrize("cognition", [None, COGNITION], ids=["plain", "cognition"])
def test_it_learns_what_can_be_learned(folder, cognition):
    kind, inputs = folder
    name = f"run-{cognition is not None}"
    run = inputs.run(name, **settings(kind, cognition=cognition, save_model=cognition is None))
    metrics = json.loads((run / "metrics.json").read_text())
    if kind == "tagging":
        assert metrics["test/f1"] > 0.9
        assert {"test/precision", "test/recall", "test/accuracy", "validation/f1"} <= metrics.keys()
    else:
        assert metrics["test/mae"] < 8, "a constant has about 10"
        assert metrics["test/accuracy"] == pytest.approx(100 - metrics["test/mae"])
    found = pd.read_parquet(run / "predictions.parquet")
    test = pd.read_parquet(inputs.root / "data/test.parquet")
    assert found["id"].tolist() == test["id"].tolist()
    for text, label, truth, prediction in zip(
        test["text"], test["label"], found["label"], found["prediction"], strict=True
    ):
        assert len(prediction) == len(truth) == len(text.split())
        assert np.allclose(np.stack(list(truth)), np.stack(list(label)))


def test_a_saved_gaze_model_gives_measures_by_itself(folder):
    kind, inputs = folder
    if kind != "gaze":
        pytest.skip("tags have no unit")
    run = inputs.run("saved", **settings(kind, save_model=True, train={**LONG, "epochs": 3}))
    model = AutoModelForTokenClassification.from_pretrained(run / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    test = pd.read_parquet(inputs.root / "data/test.parquet")
    encoded = tokenizer(test["text"].iloc[0], return_tensors="pt")
    with torch.no_grad():
        logits = model(**encoded).logits[0].numpy()
    first = pd.read_parquet(run / "predictions.parquet")["prediction"].iloc[0]
    assert np.allclose(logits[1], first[0], atol=1e-3)


def test_units_are_those_of_the_training_words():
    units = Standardisation.of([np.array([[1.0, 10], [3, 10]]), np.array([[5.0, 10]])])
    assert units.mean.tolist() == [3, 10]
    assert units.deviation[0] == pytest.approx(np.std([1, 3, 5]))
    assert np.isfinite(units.measured(np.zeros((2, 2)))).all()
    logits, labels = torch.zeros(1, 3, 2), torch.tensor([[[3.0, 10], [-100, -100], [4, 12]]])
    assert units.loss({"logits": logits}, labels).item() == pytest.approx((0 + 0 + 1 + 4) / 4)
