"""GLUE's test files as a stage: the model of the median seed predicts every row, and the files pass the check."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pandas as pd
import pytest

from scriptorium import manifest, stage
from scriptorium.stages import predict_glue
from scriptorium.tasks import glue_submission
from tests.finetuning import build

LABELS = ("not_entailment", "entailment")
QUICK = {"epochs": 2, "batch_size": 12, "lr": 3e-3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("submitted"), pair=True)


@pytest.fixture(scope="module")
def submission(folder):
    """The stage's directory, made of three seeds and a test set that repeats dev, to 146 rows."""
    runs = []
    for seed in range(3):
        name = f"results/finetune/bert/wnli-paper/seed{seed}"
        run = folder.run(name, labels=list(LABELS), train=QUICK, seed=seed, save_model=True)
        runs.append(run / manifest.NAME)
    dev = pd.read_parquet(folder.root / "data/test.parquet")
    rows = [(number, *dev.loc[number % len(dev), ["text", "text_b"]]) for number in range(146)]
    (folder.root / "raw").mkdir()
    path = folder.root / "raw/test.tsv"
    path.write_text("index\tsentence1\tsentence2\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))
    source = manifest.write(folder.root / "raw", [path])
    task = {"kind": "classification", "labels": LABELS, "max_length": 32, "glue": "wnli", "metric": "test/accuracy"}
    spec = predict_glue.PredictGlueSpec.parse({"tasks": {"wnli-paper": task}})
    out = folder.root / "results/glue_submission/glue/bert"
    state = folder.root / "state/predict"
    inputs = {"runs": runs, "sources": [source]}
    stage.execute("predict_glue", spec, predict_glue.run, out=out, inputs=inputs, state=state)
    return out


def test_the_file_passes_the_check_and_is_in_the_archive(submission):
    glue_submission.check(submission / "WNLI.tsv", LABELS)
    assert zipfile.ZipFile(submission / "submission.zip").namelist() == ["WNLI.tsv"]
    notes = (submission / "events.jsonl").read_text(encoding="utf-8")
    assert "without a test set: CoLA.tsv, SST-2.tsv" in notes


def test_predictions_are_those_of_the_median_seed_on_dev(folder, submission):
    found = pd.read_csv(submission / "chosen.tsv", sep="\t").iloc[0]
    runs = [folder.root / f"results/finetune/bert/wnli-paper/seed{seed}" for seed in range(3)]
    scores = [json.loads((run / "metrics.json").read_text())["test/accuracy"] for run in runs]
    assert found["value"] == np.median(scores)
    assert scores[found["seed"]] == np.median(scores)
    dev = pd.read_parquet(runs[found["seed"]] / "predictions.parquet")["prediction"]
    made = pd.read_csv(submission / "WNLI.tsv", sep="\t")["prediction"]
    assert made.tolist() == [dev[number % len(dev)] for number in range(146)]
