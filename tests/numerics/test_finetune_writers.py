"""Fine-tuning of models that write text as a stage: it learns, repeats to the byte, goes on as a backbone, and refuses
what it cannot do before training."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

import scriptorium.auto_models  # noqa: F401 -- the classes are known to transformers
from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.models.tuned.bart import BartTokens
from scriptorium.tasks.spec import BodySpec, FinetuneSpec
from tests import writers

QUICK = {"epochs": 1, "batch_size": 12, "lr": 1e-3, "log_every": 1}
LONG = {"epochs": 10, "batch_size": 8, "lr": 3e-3, "log_every": 10, "eval_every": 50}
KEPT = ("predictions.parquet", "metrics.json", "model/model.safetensors", "encoder/model.safetensors", "manifest.json")


@pytest.fixture(scope="module", params=writers.BODIES)
def learned(request, tmp_path_factory):
    """(model, folder, a run that was long enough to learn)."""
    folder = writers.folder(tmp_path_factory.mktemp(request.param) / "x", request.param)
    return request.param, folder, folder.run("run", body=writers.body(request.param), train=LONG, save_model=True)


def test_it_learns_what_can_be_learned(learned):
    """From 36 texts, by models that know nothing; half of the validation texts have each label."""
    assert writers.metrics(learned[2])["validation/accuracy"] > 0.85


@pytest.mark.parametrize("model", ["bart", "t5"])
def test_two_identical_runs_on_pairs_give_identical_bytes(tmp_path, model):
    folder = writers.folder(tmp_path / "x", model, pair=True)
    runs = [folder.run(name, body=writers.body(model), train=QUICK, save_model=True) for name in ("one", "other")]
    for name in KEPT:
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes(), name


def test_predictions_are_labels_in_the_order_of_the_test_file_with_probabilities(learned):
    _, folder, run = learned
    found, test = writers.predictions(run), pd.read_parquet(folder.root / "data/test.parquet")
    assert found["id"].tolist() == test["id"].tolist() and found["label"].tolist() == test["label"].tolist()
    assert found["prediction"].isin([0, 1]).all()
    assert writers.close(found["probability_bad"] + found["probability_good"], 1)


def test_the_fine_tuned_model_is_the_backbone_of_another_run(learned, tmp_path):
    """Its weights are those that were trained, and what stands there is one of transformers' own."""
    model, folder, run = learned
    (tmp_path / "data").symlink_to(folder.root / "data")
    (tmp_path / "backbone").symlink_to(run)
    other = type(folder)(tmp_path)
    made = other.run("run", body=writers.body(model), train=QUICK)
    assert 0 <= writers.metrics(made)["test/accuracy"] <= 1
    auto = transformers.AutoModelForSeq2SeqLM if model == "t5" else transformers.AutoModel
    trained, before = (
        auto.from_pretrained(place).get_input_embeddings().weight
        for place in (run / "encoder", folder.root / "backbone")
    )
    assert trained.shape == before.shape and not torch.equal(trained, before)


def test_a_saved_model_predicts_the_same_by_transformers_own_class(learned):
    model, folder, run = learned
    tokenizer = transformers.AutoTokenizer.from_pretrained(run / "model")
    texts = pd.read_parquet(folder.root / "data/test.parquet")["text"]
    found = writers.predictions(run)
    if model == "t5":
        saved = transformers.AutoModelForSeq2SeqLM.from_pretrained(run / "model").eval()
        ids = [[t for t in tokenizer("film: " + text).input_ids if t != tokenizer.cls_token_id] for text in texts]
        written = [saved.generate(torch.tensor([row]), max_new_tokens=8, do_sample=False)[0] for row in ids]
        names = [tokenizer.decode(row, skip_special_tokens=True).replace(" ", "") for row in written]
        expected = [name == ("bad", "good")[label] for name, label in zip(names, found["label"], strict=True)]
        assert found["generated"].tolist() == expected
        assert writers.metrics(run)["test/generated"] == np.mean(expected) > 0.5
        return
    saved = transformers.AutoModelForSequenceClassification.from_pretrained(run / "model").eval()
    with torch.no_grad():
        logits = [saved(torch.tensor([tokenizer(text).input_ids])).logits[0] for text in texts]
    assert writers.close(torch.stack(logits).softmax(-1)[:, 1], found["probability_good"], atol=1e-5)


@pytest.mark.parametrize(
    ("model", "kind"), [("bart", "tagging"), ("gpt2", "question_answering"), ("llama", "regression")]
)
def test_words_spans_and_numbers_are_predicted_and_measured(tmp_path, model, kind):
    """That heads and states are right is proved by tests/numerics/test_writers.py."""
    folder = writers.folder(tmp_path / "x", model, kind=kind)
    run = folder.run("run", body=writers.body(model), **writers.KINDS[kind] | {"train": QUICK}, save_model=True)
    found, test = writers.predictions(run), pd.read_parquet(folder.root / "data/test.parquet")
    assert found["id"].tolist() == test["id"].tolist()
    assert np.isfinite([value for name, value in writers.metrics(run).items() if name.startswith("validation/")]).all()
    if kind == "tagging":
        assert [len(own) for own in found["prediction"]] == [len(text.split()) for text in test["text"]]
        saved = BartTokens.from_pretrained(run / "model")
        assert saved.config.id2label == {0: "short", 1: "long"}


@pytest.mark.parametrize("model", ["llama", "t5"])
def test_few_labels_and_random_weights_are_taken(tmp_path, model):
    run = writers.folder(tmp_path / "x", model).run(
        "run", body=writers.body(model), train=QUICK, labelled=6, reinitialise=True
    )
    assert 0 <= writers.metrics(run)["test/accuracy"] <= 1


# --- wrong input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "name"), [("bart", "bart"), ("gpt2", "causal"), ("llama", "causal"), ("t5", "t5")])
def test_a_model_that_writes_text_is_not_taken_for_an_encoder_nor_for_another(tmp_path, model, name):
    folder = writers.folder(tmp_path / "x", model)
    with pytest.raises(UserError, match=f"takes it for an encoder[\\s\\S]*set body: {{name: {name}}}"):
        folder.run("run", train=QUICK)
    other = "t5" if model != "t5" else "bart"
    with pytest.raises(UserError, match=f"a {model} model, and this body is for {other}[\\s\\S]*correct body.name"):
        folder.run("other", body={"name": other}, train=QUICK)
    assert not any("metrics" in event for event in ledger.read_events(folder.root / "run"))


@pytest.mark.parametrize(
    ("model", "kind", "remedy"),
    [
        ("t5", "tagging", "predicts classes and numbers alone"),
        ("bart", "multiple_choice", "an encoder alone"),
        ("gpt2", "gaze", "an"),
    ],
)
def test_a_kind_that_a_body_cannot_do_is_refused_before_anything_is_read(tmp_path, model, kind, remedy):
    folder = writers.folder(tmp_path / "x", model)
    with pytest.raises(UserError, match=f"cannot be used on a task of kind {kind}[\\s\\S]*{remedy}"):
        folder.run("run", body=writers.body(model), kind=kind, labels=["a", "b"])


def test_labels_that_are_the_same_pieces_are_refused(tmp_path):
    folder = writers.folder(tmp_path / "x", "t5")
    with pytest.raises(UserError, match=r"labels '\?' and '!\?' are the same pieces|are the same pieces, \[UNK\]"):
        folder.run("run", body=writers.body("t5"), labels=["€", "§"], train=QUICK)


@pytest.mark.parametrize("model", ["bart", "t5"])
def test_a_decoder_without_its_first_symbol_is_refused(tmp_path, model):
    folder = writers.folder(tmp_path / "x", model)
    place = folder.root / "backbone/config.json"
    config = json.loads(place.read_text())
    place.write_text(json.dumps(config | {"decoder_start_token_id": None}))
    manifest.write(place.parent, [path for path in place.parent.iterdir() if path.name != manifest.NAME])
    with pytest.raises(UserError, match="no decoder_start_token_id"):
        folder.run("run", body=writers.body(model), train=QUICK)


@pytest.mark.parametrize("other", [{"cognition": {"boundary": 1}}, {"gaze_loss": 0.1}, {"plug_in": {}}])
def test_a_body_goes_with_nothing_that_is_for_encoders(other):
    spec = {"train": QUICK, "labels": ["a", "b"], "body": {"name": "bart"}}
    with pytest.raises(UserError, match="body: it goes with none of"):
        FinetuneSpec.parse(spec | other)


def test_a_run_names_its_body():
    with pytest.raises(UserError, match=r"body\.name: a run must name its body"):
        FinetuneSpec.parse({"train": QUICK, "body": {}})
    assert BodySpec().prefix == "{task}: "
