"""The best weights count where they are asked for, and numbers are learned on a scale: as papers fine-tune."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.tasks.examples import Examples, collate
from tests import kills
from tests.finetuning import Folder, build

# Too large a rate: the encoder learns, and then it forgets, so that the best evaluation is not the last one.
FORGETS = {"epochs": 8, "batch_size": 8, "lr": 2e-2, "schedule": "constant_with_warmup", "log_every": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("protocols"))


def metrics(run) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text())


def evaluations(run, name: str) -> list[float]:
    found = [event["metrics"] for event in ledger.read_events(run) if "metrics" in event]
    return [each[name] for each in found if name in each]


def test_the_weights_of_the_best_evaluation_count(folder):
    last, best = folder.run("last", train=FORGETS), folder.run("best", train=FORGETS, best_by="mcc")
    curve = evaluations(best, "validation/mcc")
    assert len(curve) == 8
    assert max(curve) > curve[-1], "else this test shows nothing"
    assert metrics(best)["validation/mcc"] == max(curve)
    assert metrics(best)["best/epoch"] == 1 + curve.index(max(curve))
    assert metrics(last)["validation/mcc"] == curve[-1], "the way there is the same"
    assert "best/epoch" not in metrics(last)
    looked_at = pd.read_parquet(best / "validation.parquet")
    hits = (looked_at["label"] == looked_at["prediction"]).mean()
    assert metrics(best)["validation/accuracy"] == pytest.approx(hits), "predictions are those of the best weights"


def test_a_run_says_whether_it_chose_on_what_it_reports(folder):
    apart = folder.run("apart", best_by="accuracy", train={"epochs": 1, "batch_size": 12})
    assert metrics(apart)["best/reported"] == 0
    same = Folder(folder.root / "same")
    (same.root / "data").mkdir(parents=True)
    for name in ("backbone", "annotations"):
        (same.root / name).symlink_to(folder.root / name)
    for split, source in {"train": "train", "validation": "test", "test": "test"}.items():
        (same.root / "data" / f"{split}.parquet").write_bytes((folder.root / f"data/{source}.parquet").read_bytes())
    manifest.write(same.root / "data", sorted((same.root / "data").glob("*.parquet")))
    run = same.run("run", best_by="accuracy", train=FORGETS)
    assert metrics(run)["best/reported"] == 1
    assert (
        metrics(run)["test/accuracy"]
        == metrics(run)["validation/accuracy"]
        == max(evaluations(run, "validation/accuracy"))
    )


def test_a_metric_that_validation_does_not_have_is_named(folder):
    with pytest.raises(UserError, match=r"no metric 'accurracy'.*accuracy"):
        folder.run("misspelt", best_by="accurracy", train={"epochs": 1, "batch_size": 12})


def test_a_stopped_run_keeps_the_best_weights_of_before(folder):
    changes = {
        "best_by": "mcc",
        "train": {**FORGETS, "max_steps": 40, "epochs": None, "eval_every": 5},
        "save_model": True,
    }
    whole = folder.run("whole", **changes)
    start = {"SCRIPTORIUM_CHECKPOINT_STEPS": "20"}
    kills.run(folder.command("broken", **changes), end=kills.KILLED, step=30, **start)
    kills.run(folder.command("broken", **changes), **start)
    for name in ("model/model.safetensors", "predictions.parquet", "metrics.json"):
        assert (folder.root / "broken" / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.fixture(scope="module")
def scores(folder) -> Folder:
    """The same texts with numbers from 0 to 5."""
    own = Folder(folder.root / "scores")
    (own.root / "data").mkdir(parents=True)
    for name in ("backbone", "annotations"):
        (own.root / name).symlink_to(folder.root / name)
    files = []
    for split in ("train", "validation", "test"):
        table = pd.read_parquet(folder.root / f"data/{split}.parquet")
        files.append(own.root / "data" / f"{split}.parquet")
        table.assign(label=1.0 + 3.5 * table["label"]).to_parquet(files[-1], index=False)
    manifest.write(own.root / "data", files)
    return own


REGRESSION = {"kind": "regression", "labels": [], "train": {"epochs": 2, "batch_size": 8, "lr": 1e-3}}


def test_numbers_are_learned_on_a_scale_and_predicted_without_it(scores):
    plain, scaled = scores.run("plain", **REGRESSION), scores.run("scaled", **REGRESSION, scale=5.0, save_model=True)
    made = pd.read_parquet(scaled / "predictions.parquet")
    assert set(made["label"]) == {1.0, 4.5}, "labels stay what they are"
    error = np.mean((made["label"] - made["prediction"]) ** 2)
    assert metrics(scaled)["test/mse"] == pytest.approx(error, rel=1e-5)
    assert metrics(scaled)["validation/loss"] == pytest.approx(metrics(scaled)["validation/mse"] / 25, rel=1e-4)
    assert metrics(plain)["validation/loss"] == pytest.approx(metrics(plain)["validation/mse"], rel=1e-4)


def test_a_saved_model_of_scaled_numbers_predicts_them_by_itself(scores):
    run = scores.run("saved", **REGRESSION, scale=5.0, save_model=True)
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    model = AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    table = pd.read_parquet(scores.root / "data/test.parquet").astype({"label": "float32"})
    data = Examples(table, tokenizer, 32)
    batch = collate(tokenizer.pad_token_id)([data[index] for index in range(len(data))])
    batch.pop("labels")
    with torch.no_grad():
        made = model(**batch).logits[:, 0].numpy()
    assert np.allclose(made, pd.read_parquet(run / "predictions.parquet")["prediction"], atol=1e-4)


def test_decay_falls_on_biases_and_norms_where_it_is_asked_for(folder):
    strong = {"epochs": 2, "batch_size": 12, "lr": 1e-2, "weight_decay": 5.0}
    norms = {}
    for name, changes in {"some": {}, "all": {"decay_all": True}}.items():
        run = folder.run(f"decay-{name}", train=strong, save_model=True, **changes)
        model = AutoModelForSequenceClassification.from_pretrained(run / "model")
        norms[name] = float(model.base_model.embeddings.LayerNorm.weight.detach().mean())
    assert norms["all"] < 0.95 < norms["some"]
