"""Proves that BERT with both heads computes transformers' losses and gradients, trains through the stage on sentence
pairs, counts real tokens only, and leaves a directory that transformers' own classes read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models import nsp
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives import bert_nsp, masked_blocks
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

LENGTH = 32
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 6, "batch_size": 4, "lr": 1e-3, "log_every": 2, "eval_every": 3}
OBJECTIVE = {"name": "bert-nsp", "masking": {"faithful": True, "max_predictions": 20, "static_copies": 1}}
PAIRS = {"name": "sentence-pairs", "sentences": "lines", "copies": 2}


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return lines.packed(tmp_path_factory.mktemp("pairs"), block_length=LENGTH, layout=PAIRS)


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = nsp.build(EncoderSpec(**SHAPE, dropout=0.0), tiny.tokenizer())
    with torch.no_grad():  # weights large enough that attention matters
        for parameter in model.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1)
    return model


def batch_of(packed, count=6):
    blocks = Blocks(packed / "train.arrow")
    data = masked_blocks.MaskedBlocks(blocks, ObjectiveSpec.parse(OBJECTIVE), tiny.tokenizer(), training_draws(0))
    return masked_blocks.collate(document_attention=False)([data[(0, i)] for i in range(count)])


def run(packed, out, **changes):
    values = {"model": SHAPE, "objective": OBJECTIVE, "train": TRAIN, "seed": 1}
    execute(
        "pretrain",
        pretrain.PretrainSpec.parse({**values, **changes}),
        pretrain.run,
        out=out,
        inputs={"blocks": [packed / "manifest.json"]},
        state=out.parent / "state",
    )
    return json.loads((out / "metrics.json").read_text())


def test_both_losses_and_all_gradients_equal_transformers(packed, model):
    batch = batch_of(packed)
    assert (batch["attention_mask"] == 0).any() and set(batch["token_type_ids"].unique().tolist()) == {0, 1}
    whole = model.plain().double()
    model.double()
    assert type(whole) is transformers.BertForPreTraining
    labels = torch.full_like(batch["input_ids"], -100)
    for row, (positions, true) in enumerate(zip(batch["positions"], batch["labels"], strict=True)):
        labels[row, positions[true != -100]] = true[true != -100]
    given = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids", "next_sentence_label")}
    expected, found = whole(**given, labels=labels), model(**batch)
    assert found["loss"].item() == pytest.approx(expected.loss.item(), abs=1e-6)
    expected.loss.backward()
    found["loss"].backward()
    tiny.same_gradients(model, whole, atol=1e-6)
    assert model.cls.seq_relationship.weight.grad.abs().max() > 1e-3


def test_padding_does_not_change_a_prediction(packed, model):
    model.eval()
    batch = batch_of(packed)
    names = ("input_ids", "positions", "token_type_ids", "attention_mask")
    together = model.predict(*(batch[name] for name in names))
    for row in range(len(batch["labels"])):
        size = int(batch["attention_mask"][row].sum())
        count = int((batch["labels"][row] != -100).sum())
        alone = {name: batch[name][row : row + 1, : count if name == "positions" else size] for name in names}
        words, answer = model.predict(*(alone[name] for name in names))
        assert torch.allclose(words[0], together[0][row, :count], atol=1e-5)
        assert torch.allclose(answer[0], together[1][row], atol=1e-5)


def test_measures_of_pairs_by_hand():
    """Two blocks of 2 and 1 predictions, four pairs of which three follow."""
    labels = np.array([[7, 8], [9, -100]])
    predicted = (
        np.array([3.0, 1.0]),
        np.array([1, 1]),
        np.array([0.5, 1.5, 0.5, 0.5]),
        np.array([1, 0, 1, 1]),
        np.array([0, 1, 0, 0]),
    )
    found = bert_nsp.pair_measures(transformers.EvalPrediction(predicted, labels))
    assert found == pytest.approx(
        {
            "loss": 4 / 3,
            "perplexity": np.exp(4 / 3),
            "accuracy": 2 / 3,
            "nsp_loss": 0.75,
            "nsp_accuracy": 0.75,
            "nsp_majority": 0.75,
        }
    )


def test_stage_trains_both_heads_and_shows_them_beside_their_yardsticks(packed, tmp_path):
    metrics = run(packed, tmp_path / "run")
    assert metrics["validation/nsp_loss"] == pytest.approx(np.log(2), abs=0.05)
    assert 0.5 <= metrics["validation/nsp_majority"] < 0.8
    assert 0 <= metrics["validation/nsp_accuracy"] <= 1
    assert metrics["validation/loss"] > 0 and metrics["validation/unigram_loss"] > 0
    assert 0 < metrics["train/tokens"] < TRAIN["max_steps"] * TRAIN["batch_size"] * LENGTH, "padding is no token"


def test_saved_directory_is_read_by_every_class_of_bert(packed, tmp_path):
    run(packed, tmp_path / "run")
    directory = tmp_path / "run/model"
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["BertForPreTraining"]
    for kind in (
        transformers.BertForPreTraining,
        transformers.BertModel,
        transformers.BertForMaskedLM,
        transformers.BertForNextSentencePrediction,
        transformers.AutoModelForPreTraining,
    ):
        model, info = kind.from_pretrained(directory, output_loading_info=True)
        assert not info["missing_keys"] and not info["mismatched_keys"], kind
    assert isinstance(model, transformers.BertForPreTraining)
    assert model.cls.predictions.decoder.weight is model.bert.embeddings.word_embeddings.weight


def test_next_sentence_prediction_is_learnt_where_there_is_something_to_learn(tmp_path):
    """Documents of two lines, each with its own word. A second text that holds the first word does not follow, nor
    does anything follow the second line; so 5 of 6 pairs can be told, and 4 of 6 do not follow."""
    given = ["word1 word1 word1 word1 word1 word1\nword2 word2 word2 word2 word2 word2"] * 800
    folder = lines.packed(tmp_path, given=given, block_length=16, layout={**PAIRS, "short": 0.0})
    shape = {**SHAPE, "hidden_size": 32, "layers": 1, "dropout": 0.0}
    train = {**TRAIN, "max_steps": 100, "batch_size": 32, "lr": 1e-2, "log_every": 50, "eval_every": 100}
    metrics = run(folder, tmp_path / "run", model=shape, train=train)
    assert metrics["validation/nsp_majority"] == pytest.approx(2 / 3, abs=0.08)
    assert metrics["validation/nsp_accuracy"] == pytest.approx(5 / 6, abs=0.08)
    assert metrics["validation/nsp_accuracy"] > metrics["validation/nsp_majority"] + 0.05


def test_packed_blocks_are_refused_by_name(tmp_path):
    folder = lines.packed(tmp_path, block_length=LENGTH)
    with pytest.raises(UserError, match="bert-nsp needs blocks of layout sentence-pairs, these are packed"):
        run(folder, tmp_path / "run")
