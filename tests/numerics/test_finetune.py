"""Fine-tuning runs as a stage: it learns, repeats to the byte, writes what it says, and refuses wrong input early."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from scriptorium import ledger, manifest
from scriptorium.cognition.model import CognitionForSequenceClassification
from scriptorium.cognition.words import Words
from scriptorium.engine import training
from scriptorium.errors import UserError
from scriptorium.evaluation import classification
from scriptorium.tasks.examples import Examples, collate
from scriptorium.tasks.heads import build as build_model
from scriptorium.tasks.spec import FinetuneSpec
from tests.finetuning import COGNITION, Folder, build

KEPT = ("predictions.parquet", "metrics.json", "model/model.safetensors", "model/config.json", "manifest.json")
QUICK = {"epochs": 1, "batch_size": 12, "lr": 1e-3, "log_every": 1}
LONG = {"epochs": 15, "batch_size": 8, "lr": 3e-3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return build(tmp_path_factory.mktemp("finetuning"))


@pytest.fixture(scope="module")
def cogbert(folder):
    """One finished run with cognition."""
    return folder.run("cogbert", cognition=COGNITION, save_model=True)


def predictions(run) -> pd.DataFrame:
    return pd.read_parquet(run / "predictions.parquet")


def metrics(run) -> dict[str, float]:
    return json.loads((run / "metrics.json").read_text())


def test_it_learns_what_can_be_learned(folder):
    assert metrics(folder.run("long", cognition=COGNITION, train=LONG))["test/accuracy"] > 0.9


def test_two_identical_runs_give_identical_bytes(folder, cogbert):
    again = folder.run("again", cognition=COGNITION, save_model=True)
    for name in KEPT:
        assert (again / name).read_bytes() == (cogbert / name).read_bytes(), name


def test_another_seed_gives_another_model(folder, cogbert):
    other = folder.run("other", cognition=COGNITION, save_model=True, seed=1)
    assert (other / KEPT[2]).read_bytes() != (cogbert / KEPT[2]).read_bytes()


def test_predictions_stand_in_the_order_of_the_test_file_and_give_the_metrics(folder, cogbert):
    found, test = predictions(cogbert), pd.read_parquet(folder.root / "data/test.parquet")
    assert list(found.columns) == ["id", "label", "prediction", "probability_bad", "probability_good"]
    assert found["id"].tolist() == test["id"].tolist()
    assert found["label"].tolist() == test["label"].tolist()
    assert np.allclose(found["probability_bad"] + found["probability_good"], 1, atol=1e-6)
    expected = classification.classification(found["label"].to_numpy(), found["prediction"].to_numpy(), 2)
    assert {f"test/{name}": value for name, value in expected.items()}.items() <= metrics(cogbert).items()
    assert {"validation/accuracy", "validation/f1", "validation/mcc", "validation/loss"} <= metrics(cogbert).keys()


def test_the_saved_model_predicts_the_same_in_any_batch(folder, cogbert):
    tokenizer = AutoTokenizer.from_pretrained(cogbert / "model")
    model = AutoModelForSequenceClassification.from_pretrained(cogbert / "model").eval()
    assert model.config.id2label == {0: "bad", 1: "good"}
    words = Words.read(folder.root / "annotations.parquet")
    data = Examples(pd.read_parquet(folder.root / "data/test.parquet"), tokenizer, 32, words)
    with torch.no_grad():
        logits = [model(**collate(0, multiple=8)([data[i]])).logits for i in range(len(data))]
    found = classification.probabilities(torch.cat(logits).numpy())
    assert np.allclose(found[:, 1], predictions(cogbert)["probability_good"], atol=1e-5)


def test_nothing_that_is_written_names_this_machine(cogbert, folder):
    plain = folder.run("plain-saved", train=QUICK, save_model=True)
    for run in (plain, cogbert):
        for path in [run / "metrics.json", run / "manifest.json", *(run / "model").glob("*.json")]:
            assert str(folder.root) not in path.read_text(), path


def test_the_journal_has_curves_metrics_and_the_table(cogbert):
    events = list(ledger.read_events(cogbert))
    names = {name for event in events for name in event.get("metrics", {})}
    assert {"train/loss", "train/lr", "train/grad_norm", "validation/accuracy", "test/accuracy"} <= names
    assert [e["step"] for e in events if "validation/accuracy" in e.get("metrics", {})] == [5, 10, 15, 20, 25]
    assert {"artifact": "predictions.parquet", "kind": "table"}.items() <= events[-1].items()


def test_cognition_with_zero_features_is_the_plain_run(folder):
    """The control differs from the plain encoder by nothing, dropout included; the gaze scores do make a difference."""
    dosed = {**COGNITION, "dose": {"gain": 4}}  # without a dose the scores change less than float32 tells on some CPUs
    plain = predictions(folder.run("plain"))["probability_good"]
    zero = predictions(folder.run("zero", cognition={**dosed, "scores": "zero"}))["probability_good"]
    gaze = predictions(folder.run("gaze", cognition=dosed))["probability_good"]
    assert np.allclose(zero, plain, atol=1e-3)
    assert np.abs(gaze - plain).max() > 10 * np.abs(zero - plain).max()


def test_the_same_seed_gives_plain_and_cogbert_the_same_head_and_the_same_random_state(folder):
    def start(seed: int, cognition: dict | None):
        transformers.set_seed(seed)
        spec = FinetuneSpec.parse(folder.spec(cognition=cognition, seed=seed))
        return build_model(spec, folder.root / "backbone"), torch.get_rng_state()

    (plain, plain_state), (cognitive, cognitive_state), (other, _) = start(3, None), start(3, COGNITION), start(4, None)
    assert isinstance(cognitive, CognitionForSequenceClassification)
    assert torch.equal(plain.classifier.weight, cognitive.model.classifier.weight)
    assert all(torch.equal(value, cognitive.model.state_dict()[name]) for name, value in plain.state_dict().items())
    assert torch.equal(plain_state, cognitive_state)
    assert not torch.equal(plain.classifier.weight, other.classifier.weight)


def test_reinitialise_keeps_the_shape_and_nothing_else(folder):
    transformers.set_seed(0)
    models = [
        build_model(FinetuneSpec.parse(folder.spec(reinitialise=flag)), folder.root / "backbone") for flag in (0, 1)
    ]
    kept, fresh = (model.bert.encoder.layer[0].intermediate.dense.weight for model in models)
    backbone = transformers.AutoModel.from_pretrained(folder.root / "backbone")
    assert torch.equal(kept, backbone.encoder.layer[0].intermediate.dense.weight)
    assert kept.shape == fresh.shape
    assert not torch.equal(kept, fresh)


def test_a_pretrained_model_of_ours_is_a_backbone_like_any_other(folder, tmp_path):
    """It lies in model/ of its run directory and has a language-model head instead of a pooler."""
    ours = Folder(tmp_path)
    (tmp_path / "data").symlink_to(folder.root / "data")
    config = transformers.AutoConfig.from_pretrained(folder.root / "backbone")
    torch.manual_seed(0)
    files = training.save_model(
        transformers.BertForMaskedLM(config),
        tmp_path / "backbone/model",
        AutoTokenizer.from_pretrained(folder.root / "backbone"),
    )
    manifest.write(tmp_path / "backbone", files)
    assert 0 <= metrics(ours.run("run", train=QUICK))["test/accuracy"] <= 1


def test_pairs_and_their_annotations_are_fine_tuned(tmp_path):
    run = build(tmp_path, pair=True).run("run", cognition={**COGNITION, "scores": "shuffled"}, train=LONG)
    assert metrics(run)["test/accuracy"] > 0.9


def test_pairs_are_fine_tuned_with_a_backbone_that_does_not_number_their_texts(tmp_path):
    """A RoBERTa of ours with pieces of BERT's kind: its table of text numbers has one row."""
    folder = build(tmp_path, pair=True)
    place = tmp_path / "backbone"
    vocabulary = len((place / "vocab.txt").read_text(encoding="utf-8").splitlines())
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.RobertaConfig(
        vocab_size=vocabulary, max_position_embeddings=66, type_vocab_size=1, pad_token_id=0, **sizes
    )
    torch.manual_seed(0)
    transformers.RobertaModel(config).save_pretrained(place)
    manifest.write(place, [path for path in place.iterdir() if path.name != manifest.NAME])
    out = folder.run("pairs", save_model=True, train={**LONG, "epochs": 40})
    assert metrics(out)["test/accuracy"] > 0.7
    saved = AutoTokenizer.from_pretrained(out / "model")
    assert "token_type_ids" not in saved("a", "b"), "whoever loads the model gets what it can read"


def test_a_regression_task_has_its_own_metrics(folder, tmp_path):
    for split in ("train", "validation", "test"):
        table = pd.read_parquet(folder.root / f"data/{split}.parquet")
        (tmp_path / "data").mkdir(exist_ok=True)
        table.assign(label=table["label"] * 2.0 + table["text"].str.len() / 100).to_parquet(
            tmp_path / f"data/{split}.parquet"
        )
    manifest.write(tmp_path / "data", (tmp_path / "data").glob("*.parquet"))
    (tmp_path / "backbone").symlink_to(folder.root / "backbone")
    run = Folder(tmp_path).run("run", kind="regression", labels=[], train=QUICK)
    assert set(metrics(run)) == {
        f"{split}/{name}" for split in ("test", "validation") for name in ("pearson", "spearman", "mse")
    } | {"validation/loss"}
    assert metrics(run)["validation/loss"] == pytest.approx(metrics(run)["validation/mse"], rel=1e-4)
    found = predictions(run)
    assert list(found.columns) == ["id", "label", "prediction"]
    assert metrics(run)["test/mse"] == pytest.approx(((found["label"] - found["prediction"]) ** 2).mean(), rel=1e-5)


def test_truncation_is_noted_in_the_journal(folder):
    run = folder.run("cut", max_length=14, train=QUICK)
    notes = [event["note"] for event in ledger.read_events(run) if "note" in event]
    assert any("test examples were cut to 14 pieces" in note for note in notes), notes


@pytest.mark.parametrize("stopped_in", ["evaluate", "predict"])
def test_a_run_that_stopped_at_the_end_of_an_epoch_ends_with_the_same_bytes(folder, cogbert, monkeypatch, stopped_in):
    """Evaluation draws a random number: it must lie on the same side of a checkpoint for all runs.

    Stopped in its last evaluation a run resumes at the end of the last epoch but one, stopped in prediction at the
    last step, where nothing is left to train.
    """
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 5)  # the steps of an epoch
    original = getattr(training.PlannedTrainer, stopped_in)

    def killed(trainer, *arguments, **named):
        if trainer.state.global_step == trainer.state.max_steps:
            raise KeyboardInterrupt
        return original(trainer, *arguments, **named)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.PlannedTrainer, stopped_in, killed)
        folder.run(f"stopped-{stopped_in}", cognition=COGNITION, save_model=True)
    run = folder.run(f"stopped-{stopped_in}", cognition=COGNITION, save_model=True)
    evaluated = [e["step"] for e in ledger.read_events(run) if "validation/accuracy" in e.get("metrics", {})]
    assert evaluated == [5, 10, 15, 20, 25]
    notes = [e["note"] for e in ledger.read_events(run) if "note" in e]
    assert f"resumed at step {20 if stopped_in == 'evaluate' else 25}" in notes
    for name in KEPT:
        assert (run / name).read_bytes() == (cogbert / name).read_bytes(), name


# --- wrong input ------------------------------------------------------------------------------------------------------


def linked(folder: Folder, root, *, without: str) -> Folder:
    """The same folder, but for one input that the test makes itself."""
    for name in {"data", "backbone", "annotations", "annotations.parquet"} - {without}:
        (root / name).symlink_to(folder.root / name)
    (root / without).mkdir()
    return Folder(root)


def test_a_pickled_checkpoint_is_refused(folder, tmp_path):
    ours = linked(folder, tmp_path, without="backbone")
    (tmp_path / "backbone/config.json").write_text("{}")
    (tmp_path / "backbone/pytorch_model.bin").write_bytes(b"pickle")
    manifest.write(tmp_path / "backbone", [tmp_path / "backbone/config.json", tmp_path / "backbone/pytorch_model.bin"])
    with pytest.raises(UserError, match=r"pytorch_model.bin[\s\S]*remedy: convert"):
        ours.run("run")


def test_a_text_without_annotation_stops_the_run_before_training(folder, tmp_path):
    ours = linked(folder, tmp_path, without="annotations")
    table = pd.read_parquet(folder.root / "annotations.parquet")
    lost = pd.read_parquet(folder.root / "data/test.parquet")["text"].iloc[0]
    table[table["word"] != lost.split()[0]].to_parquet(tmp_path / "annotations/words.parquet")
    manifest.write(tmp_path / "annotations", [tmp_path / "annotations/words.parquet"])
    with pytest.raises(UserError, match="annotated words instead of"):
        ours.run("run", cognition=COGNITION)
    assert not any("metrics" in event for event in ledger.read_events(tmp_path / "run"))


def test_a_length_beyond_the_backbones_positions_is_refused(folder):
    with pytest.raises(UserError, match="max_length 65 is more than the backbone's 64"):
        folder.run("lengthy", max_length=65)


def test_a_label_outside_its_set_is_refused(folder):
    with pytest.raises(UserError, match=r"label 1 is not one of 0..0 \(bad\)"):
        folder.run("label", labels=["bad"])


def test_the_gaze_loss_trains_the_encoder_and_leaves_a_plain_model_behind(folder):
    """After Deng et al. 2024: nothing of it is left at inference."""
    plain, guided = (
        folder.run("unguided", train=QUICK),
        folder.run("guided", train=QUICK, gaze_loss=0.5, save_model=True),
    )
    assert not np.allclose(predictions(plain)["probability_good"], predictions(guided)["probability_good"], atol=1e-5)
    model = AutoModelForSequenceClassification.from_pretrained(guided / "model")
    assert type(model) is transformers.BertForSequenceClassification
    assert not any("gaze" in name for name, _ in model.named_parameters())


def test_a_tiny_gaze_loss_is_the_plain_run(folder):
    plain, guided = folder.run("unguided2", train=QUICK), folder.run("barely", train=QUICK, gaze_loss=1e-9)
    assert np.allclose(predictions(plain)["probability_good"], predictions(guided)["probability_good"], atol=1e-4)


def test_feature_weights_of_every_fused_layer_are_written(cogbert):
    table = pd.read_csv(cogbert / "feature_weights.tsv", sep="\t")
    assert list(table.columns) == ["layer", "level", "feature", "weight", "contribution", "fused_norm"]
    assert table.groupby("layer")["weight"].count().eq(4).all()
    assert table["weight"].between(0.04, 1).all()
    assert (table["contribution"] > 0).any(), "the mixing weights left zero"


def test_a_finetuned_encoder_is_a_backbone_with_the_pooler_of_its_own_backbone(folder, cogbert):
    trained, before = (
        transformers.AutoModel.from_pretrained(p) for p in (cogbert / "encoder", folder.root / "backbone")
    )
    assert type(trained) is type(before)
    changed = {n for n, p in before.named_parameters() if not torch.equal(p, trained.get_parameter(n))}
    assert any("attention.self.query" in name for name in changed)
    whole = AutoModelForSequenceClassification.from_pretrained(cogbert / "model").model.bert.state_dict()
    for name, value in trained.state_dict().items():
        assert torch.equal(whole[name], value), name


def test_with_few_labels_training_sees_so_many_examples_the_same_for_every_variant_of_a_seed(folder, monkeypatch):
    from scriptorium.engine import training

    seen = []
    original = training.train

    def spied(job, model, data, *more, **options):
        seen.append(tuple(data.table["id"]))
        return original(job, model, data, *more, **options)

    monkeypatch.setattr(training, "train", spied)
    for name, changes in {"few": {}, "random": {"reinitialise": True}, "other-seed": {"seed": 1}}.items():
        made = folder.run(name, labelled=6, train=QUICK, **changes)
        assert len(predictions(made)) == len(pd.read_parquet(folder.root / "data/test.parquet")), "the test stays whole"
    assert list(map(len, seen)) == [6, 6, 6]
    assert seen[0] == seen[1]
    assert set(seen[0]) != set(seen[2])
