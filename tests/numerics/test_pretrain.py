"""Proves that pre-training computes BERT's loss on the predicted positions, keeps packed documents apart, repeats to
the byte, and leaves a directory that transformers' own classes read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers

from scriptorium import ledger, manifest
from scriptorium.errors import UserError
from scriptorium.models import mlm
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives import masked_blocks, measures
from scriptorium.objectives.draws import held_out_draws, training_draws
from scriptorium.objectives.spec.masked import BertSpec
from scriptorium.objectives.unigram import log_frequencies, unigram_loss
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from scriptorium.text.blocks import Blocks
from tests import tiny

LENGTH = 32
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 6, "batch_size": 4, "lr": 1e-3, "log_every": 2, "eval_every": 3}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A packed corpus with its manifest."""
    return tiny.packed(tmp_path_factory.mktemp("corpus"), block_length=LENGTH)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = mlm.build(EncoderSpec(**SHAPE, dropout=0.0), tiny.tokenizer())
    with torch.no_grad():  # weights large enough that attention matters
        for parameter in model.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1)
    return model


def batch_of(packed, count=5, *, document_attention=True):
    blocks = Blocks(packed / "train.arrow")
    data = masked_blocks.MaskedBlocks(blocks, BertSpec(rate=0.3), tiny.tokenizer(), training_draws(0))
    return masked_blocks.collate(document_attention=document_attention)([data[(0, i)] for i in range(count)])


def spec(**changes):
    values = {"model": SHAPE, "objective": {}, "train": TRAIN, "seed": 1}
    return pretrain.PretrainSpec.parse({**values, **changes})


def run(packed, out, given=None):
    execute(
        "pretrain",
        given or spec(),
        pretrain.run,
        out=out,
        inputs={"blocks": [packed / "manifest.json"]},
        state=out.parent / "state",
    )


def test_loss_and_gradients_equal_the_full_head(packed, model):
    batch = batch_of(packed, document_attention=False)
    whole = model.plain().double()
    model.double()
    assert type(whole) is transformers.BertForMaskedLM
    assert (whole.config.vocab_size, model.config.vocab_size) == (100, 128), "the padding is not in question"
    labels = torch.full_like(batch["input_ids"], -100)
    for row, (positions, true) in enumerate(zip(batch["positions"], batch["labels"], strict=True)):
        labels[row, positions[true != -100]] = true[true != -100]
    expected = whole(batch["input_ids"], labels=labels).loss
    found = model(**batch)["loss"]
    expected.backward()
    found.backward()
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)
    tiny.same_gradients(model, whole, atol=1e-6)
    assert model.bert.embeddings.word_embeddings.weight.grad.abs().max() > 1e-3


def test_padded_predictions_do_not_count(packed, model):
    batch = batch_of(packed, count=20)
    counts = (batch["labels"] != -100).sum(1)
    assert counts.min() < counts.max()
    wider = {
        **batch,
        **{
            name: torch.nn.functional.pad(batch[name], (0, 3), value=fill)
            for name, fill in (("positions", 0), ("labels", -100))
        },
    }
    assert model(**wider)["loss"].item() == pytest.approx(model(**batch)["loss"].item(), rel=1e-6)


def test_packed_documents_equal_documents_alone(packed, model):
    """Positions do not restart, so a document alone gets the positions that it has in its block."""
    model.eval()
    input_ids, document_ids = Blocks(packed / "train.arrow")[1]
    assert len(set(document_ids.tolist())) > 1
    ids, owners = torch.tensor(input_ids)[None].long(), torch.tensor(document_ids)[None].long()
    everywhere = torch.arange(LENGTH)[None]
    together = model.predict(ids, everywhere, owners)[0]
    for number in set(document_ids.tolist()):
        places = (owners[0] == number).nonzero()[:, 0]
        alone = model.bert(ids[:, places], position_ids=places[None]).last_hidden_state
        assert torch.allclose(model.cls(alone)[0, :, : model.tokens], together[places], atol=1e-5)
    assert not torch.allclose(model.predict(ids, everywhere)[0], together, atol=1e-3)


def test_evaluation_sums_give_loss_and_accuracy_of_the_logits(packed, model):
    model.eval()
    batch = batch_of(packed)
    outputs = model(**batch)
    logits, labels = model.predict(batch["input_ids"], batch["positions"], batch["document_ids"]), batch["labels"]
    real = labels != -100
    found = measures.of_sums(
        transformers.EvalPrediction(
            (outputs["summed_loss"].detach().numpy(), outputs["correct"].numpy()), labels.numpy()
        )
    )
    expected = torch.nn.functional.cross_entropy(logits[real], labels[real]).item()
    assert found["loss"] == pytest.approx(expected, rel=1e-6) == pytest.approx(outputs["loss"].item(), rel=1e-6)
    assert found["perplexity"] == pytest.approx(np.exp(expected), rel=1e-5)
    assert found["accuracy"] == pytest.approx((logits.argmax(-1) == labels)[real].float().mean().item())


def test_two_runs_give_the_same_bytes_and_another_seed_does_not(packed, tmp_path):
    run(packed, tmp_path / "a")
    run(packed, tmp_path / "b")
    run(packed, tmp_path / "c", spec(seed=2))
    a, b, c = (manifest.read(tmp_path / name)["files"] for name in "abc")
    assert a == b
    weights = [{entry["path"]: entry["sha256"] for entry in files}["model/model.safetensors"] for files in (a, c)]
    assert weights[0] != weights[1]


def test_training_learns_what_there_is_to_learn(packed, tmp_path):
    """The words of the tiny corpus are random, so the best possible loss is that of guessing by frequency."""
    run(packed, tmp_path / "run", spec(train={**TRAIN, "max_steps": 60, "lr": 1e-2, "eval_every": 30}))
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    curve = [
        e["metrics"]["validation/loss"]
        for e in ledger.read_events(tmp_path / "run")
        if "validation/accuracy" in e.get("metrics", {})
    ]
    assert curve[-1] == metrics["validation/loss"]
    assert metrics["validation/loss"] == pytest.approx(metrics["validation/unigram_loss"], abs=0.3)
    assert metrics["train/steps"] == 60


def test_frequency_bias_starts_at_the_unigram_loss(packed):
    blocks = Blocks(packed / "train.arrow")
    log_frequency = log_frequencies(blocks, tiny.tokenizer())
    data = masked_blocks.MaskedBlocks(blocks, BertSpec(), tiny.tokenizer(), held_out_draws())
    batch = masked_blocks.collate(document_attention=True)([data[i] for i in range(len(data))])
    torch.manual_seed(0)
    model = mlm.build(EncoderSpec(**SHAPE), tiny.tokenizer()).eval()
    before = model(**batch)["loss"].item()
    model.start_from(log_frequency)
    after = model(**batch)["loss"].item()
    assert after == pytest.approx(unigram_loss(data, log_frequency), abs=0.02)
    assert after < before
    assert torch.equal(model.plain().cls.predictions.decoder.bias, model.cls.predictions.bias[: model.tokens])


def test_saved_directory_is_a_backbone_like_any_other(packed, tmp_path):
    run(packed, tmp_path / "run")
    directory = tmp_path / "run/model"
    config = json.loads((directory / "config.json").read_text())
    assert config["architectures"] == ["BertForMaskedLM"]
    assert str(tmp_path) not in "".join(p.read_text() for p in directory.glob("*.json"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    inputs = tokenizer("word1 word2 word3", return_tensors="pt")
    inputs.pop("token_type_ids", None)
    lm = transformers.AutoModelForMaskedLM.from_pretrained(directory).eval()
    classifier, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        directory, num_labels=2, output_loading_info=True
    )
    assert isinstance(classifier, transformers.BertForSequenceClassification)
    assert {name.split(".")[0] for name in info["missing_keys"]} <= {"classifier", "bert"}
    assert all("pooler" in name or "classifier" in name for name in info["missing_keys"])
    ours = lm.bert(**inputs).last_hidden_state
    theirs = classifier.eval().bert(**inputs).last_hidden_state
    assert torch.equal(ours, theirs)


def test_blocks_longer_than_the_model_are_refused_before_training(packed, tmp_path):
    with pytest.raises(UserError, match=r"block_length 32 is more than model\.max_positions 16"):
        run(packed, tmp_path / "run", spec(model={**SHAPE, "max_positions": 16}))
    assert not (tmp_path / "run/model").exists()


def test_curves_and_the_yardstick_are_in_the_ledger(packed, tmp_path):
    run(packed, tmp_path / "run")
    events = [e for e in ledger.read_events(tmp_path / "run") if "metrics" in e]
    assert [e["step"] for e in events if "train/loss" in e["metrics"]] == [2, 4, 6]
    assert [e["step"] for e in events if "validation/perplexity" in e["metrics"]][:2] == [3, 6]
    assert "validation/unigram_loss" in events[0]["metrics"]
