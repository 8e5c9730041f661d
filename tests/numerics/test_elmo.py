"""Proves of ELMo that each direction is an LSTM over every document by itself, step by step; that a block equals its
documents one by one; that its runs end with the same bits after a kill; and what its sentences are scored by."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
import yaml
from torch.nn import functional

from scriptorium import ledger, manifest
from scriptorium.config import loading
from scriptorium.engine import flops, training
from scriptorium.errors import Interrupted, UserError
from scriptorium.minimal_pairs.likelihoods import both_directions
from scriptorium.minimal_pairs.sentences import Sentence
from scriptorium.models.architectures import elmo
from scriptorium.models.spec import EncoderSpec
from scriptorium.named import modules_of
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.runs import Runs
from scriptorium.stage import execute
from scriptorium.stages import finetune, pretrain
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

ROOT = Path(__file__).parents[2]
PAD, UNK, CLS, SEP = range(4)
LENGTH = 32
SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=20, max_positions=LENGTH, dropout=0.0)
FULL = {"name": "full-sentences", "sentences": "lines"}
TRAIN = {"max_steps": 7, "batch_size": 4, "lr": 1e-3, "log_every": 1, "eval_every": 3}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    given = [text.replace("word5", "neverseen") for text in lines.texts()]  # so that there are [UNK]
    return {
        name: lines.packed(tmp_path_factory.mktemp(name), given=given, block_length=LENGTH, layout=layout)
        for name, layout in (("packed", None), ("padded", FULL))
    }


def made(folder, **settings):
    """(blocks, data, model, batch of twelve)."""
    torch.manual_seed(0)
    objective = build(SHAPE, ObjectiveSpec.parse({"name": "elmo", **settings}), tiny.tokenizer())
    blocks = Blocks(folder / "train.arrow")
    data = objective.hide(blocks, training_draws(0))
    return blocks, data, objective.model.eval(), objective.collate([data[(0, index)] for index in range(12)])


def read(lstm, states):
    """An LSTM with a projection, one step after the other: states [T, w] -> [T, w]. From the equations alone."""
    h, c, found = states.new_zeros(lstm.proj_size), states.new_zeros(lstm.hidden_size), []
    for x in states:
        gates = lstm.weight_ih_l0 @ x + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0
        i, f, g, o = gates.chunk(4)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = lstm.weight_hr_l0 @ (torch.sigmoid(o) * torch.tanh(c))
        found.append(h)
    return torch.stack(found)


def alone(model, pieces):
    """Logits of both directions of one document without its ends: of pieces and [SEP] [n + 1], and of pieces [n]."""
    elmo = model.elmo
    forward, backward = (elmo.embeddings.weight[ids] for ids in ([CLS, *pieces], [SEP, *pieces[::-1]]))
    for left, right in zip(elmo.forwards, elmo.backwards, strict=True):
        forward, backward = read(left, forward), read(right, backward)
    return forward @ model.lm_head.weight.T, (backward[:-1] @ model.lm_head.weight.T).flip(0)


def test_a_block_of_three_documents_by_hand(folders):
    class Fixed:
        padded = False

        def __getitem__(self, _):
            columns = [CLS, 10, 11, SEP, 12, UNK, SEP, 13], [4, 4, 4, 4, 5, 5, 5, 6]
            return tuple(np.array(column, dtype=np.int32) for column in columns)

    data = build(SHAPE, ObjectiveSpec.parse({"name": "elmo"}), tiny.tokenizer()).hide(Fixed(), training_draws(0))
    labels = data[(3, 0)]["labels"].reshape(2, -1)
    assert labels[0].tolist() == [10, 11, SEP, 12, -100, SEP, 13], "by the forward model"
    assert labels[1].tolist() == [-100, 10, 11, -100, 12, -100, -100], "by the backward model, from the next token on"


@torch.no_grad()
def test_a_block_is_its_documents_read_one_by_one_step_by_step(folders):
    """The first token of a row, [CLS], belongs to the document behind it; others have theirs put before them."""
    *_, model, batch = made(folders["packed"])
    logits, whole = model.predict(batch["input_ids"], batch["document_ids"]), 0
    for row, owners in enumerate(batch["document_ids"]):
        for number in owners.unique():
            own = (owners == number).nonzero()[:, 0]
            own = own[1:] if own[0] == 0 else own
            pieces = batch["input_ids"][row, own].tolist()
            if len(pieces) < 2 or pieces[-1] != SEP:
                continue  # cut off by the end of the block
            forward, backward = alone(model, pieces[:-1])
            size = model.tokens
            assert torch.allclose(logits[row, 0, own - 1], forward[:, :size], atol=1e-5)
            assert torch.allclose(logits[row, 1, own[:-1]], backward[:, :size], atol=1e-5)
            whole += 1
    assert whole > 5


@torch.no_grad()
def test_the_loss_is_the_mean_over_both_directions(folders):
    *_, model, batch = made(folders["packed"])
    logits = model.predict(batch["input_ids"], batch["document_ids"]).flatten(1, 2)
    expected = functional.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())
    assert model(**batch)["loss"].item() == pytest.approx(expected.item(), abs=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("document_attention", [True, False])
@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_a_direction_sees_its_own_side_of_its_own_document_alone(folders, kind, document_attention):
    *_, model, batch = made(folders[kind], document_attention=document_attention)
    ids, owners = batch["input_ids"], batch["document_ids"]
    before = model.predict(ids, owners)
    place = torch.arange(LENGTH)
    for changed in range(1, LENGTH, 5):
        if owners[0, changed] < 0:
            continue
        other = ids.clone()
        other[0, changed] = 5 + (ids[0, changed] + 7) % 90
        differs = (model.predict(other, owners) - before).abs().amax(-1) > 0
        own = owners[0] == owners[0, changed]
        assert torch.equal(differs[0, 0], (own & (place > changed))[1:]), "forward: what stands behind it"
        assert torch.equal(differs[0, 1], (own & (place < changed))[:-1]), "backward: what stands before it"
        assert not differs[1:].any()


@torch.no_grad()
def test_states_for_others_do_not_depend_on_padding_and_have_all_layers(folders):
    *_, model, batch = made(folders["packed"])
    ids = batch["input_ids"][:, :9]
    padded = functional.pad(ids, (0, 4))
    mask = functional.pad(torch.ones_like(ids), (0, 4))
    found = model.elmo(ids, output_hidden_states=True)
    assert torch.allclose(model.elmo(padded, attention_mask=mask).last_hidden_state[:, :9], found.last_hidden_state)
    assert len(found.hidden_states) == 3
    half = SHAPE.hidden_size // 2
    assert torch.equal(found.hidden_states[0][..., :half], found.hidden_states[0][..., half:])


def test_the_closed_form_of_flops_is_torchs_count_and_the_gradients_of_first_states(folders):
    *_, model, batch = made(folders["packed"])
    texts = sum(int((row[1:] != row[:-1]).sum()) + 1 for row in batch["document_ids"][:, 1:])
    first = 2 * 2 * 2 * texts * 4 * SHAPE.intermediate_size * SHAPE.hidden_size // 2  # two layers and directions
    assert flops.of(model, batch) == flops.counted(model, batch) + first


def test_what_is_saved_is_read_by_name_and_says_the_same(folders, tmp_path):
    *_, model, batch = made(folders["packed"])
    plain = model.plain()
    plain.save_pretrained(tmp_path)
    for kind in (transformers.AutoModelForPreTraining, transformers.AutoModel):
        _, info = kind.from_pretrained(tmp_path, output_loading_info=True)
        assert not info["missing_keys"]
    found = transformers.AutoModelForPreTraining.from_pretrained(tmp_path)
    assert found.config.vocab_size == len(tiny.tokenizer())
    assert torch.allclose(found.predict(batch["input_ids"]), model.predict(batch["input_ids"]))


@torch.no_grad()
def test_a_sentence_is_scored_by_both_directions(folders):
    *_, model, _ = made(folders["packed"])
    sentences = [Sentence(pieces, list(range(len(pieces)))) for pieces in ([10, 11, 12], [20, 21, 22], [30, 31])]
    found = both_directions.scores(model, tiny.tokenizer(), sentences, 8)
    for score, sentence in zip(found, sentences, strict=True):
        forward, backward = (each[:, : model.tokens].log_softmax(-1) for each in alone(model, sentence.pieces))
        rows, pieces = torch.arange(len(sentence.pieces)), torch.tensor(sentence.pieces)
        assert score == pytest.approx((forward[rows, pieces].sum() + backward[rows, pieces].sum()).item(), abs=1e-4)


def test_too_few_cells_are_refused():
    shape = SHAPE.model_copy(update={"intermediate_size": 8})
    with pytest.raises(UserError, match="less than its cells"):
        build(shape, ObjectiveSpec.parse({"name": "elmo"}), tiny.tokenizer())


class Killed(BaseException):
    """Nothing that a stage catches, as a kill is."""


def test_a_killed_and_then_stopped_run_ends_with_the_same_bits(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_STEPS", 2)

    def run(out):
        shape = SHAPE.model_dump() | {"dropout": 0.1}
        spec = pretrain.PretrainSpec.parse({"model": shape, "objective": {"name": "elmo"}, "train": TRAIN, "seed": 1})
        inputs = {"blocks": [folders["padded"] / "manifest.json"]}
        execute("pretrain", spec, pretrain.run, out=out, inputs=inputs, state=out.parent / f"{out.name}-state")
        return out

    whole, log = run(tmp_path / "whole"), ledger.Ledger.metrics
    for step, ends in ((3, Killed), (5, Interrupted)):

        def ended(self, now, values, step=step, ends=ends):
            log(self, now, values)
            if now == step and "train/loss" in values:
                if ends is Killed:
                    raise Killed
                os.kill(os.getpid(), 15)

        with monkeypatch.context() as at_this_step, pytest.raises(ends):
            at_this_step.setattr(ledger.Ledger, "metrics", ended)
            run(tmp_path / "broken")
    broken = run(tmp_path / "broken")
    for file in ("model/model.safetensors", "metrics.json", "held_out.parquet"):
        assert (broken / file).read_bytes() == (whole / file).read_bytes(), file
    assert json.loads((whole / "metrics.json").read_text())["validation/loss"] > 0


@torch.no_grad()
@pytest.mark.parametrize("name", ["AutoModelForTokenClassification", "AutoModelForSequenceClassification"])
def test_a_head_reads_the_weighted_layers_of_a_language_model_that_stays_as_it_is(folders, tmp_path, name):
    *_, model, batch = made(folders["packed"])
    model.plain().save_pretrained(tmp_path)
    torch.manual_seed(1)
    headed = getattr(transformers, name).from_pretrained(tmp_path, num_labels=3).eval()
    assert type(headed).__module__ == elmo.tasks.__name__
    assert all(
        torch.equal(a, b) for a, b in zip(headed.elmo.parameters(), model.plain().elmo.parameters(), strict=True)
    )
    trained = {key for key, parameter in headed.named_parameters() if parameter.requires_grad}
    assert trained == {"mix.weights", "mix.gamma", "classifier.weight", "classifier.bias"}
    assert headed.mix.weights.tolist() == [0, 0, 0] and headed.mix.gamma.tolist() == [1]
    headed.mix.weights.copy_(torch.tensor([1.0, 2.0, 0.5]))
    headed.mix.gamma.fill_(3.0)
    ids, real = batch["input_ids"][:, :9], torch.ones(12, 9, dtype=torch.long)
    real[0, 5:] = 0
    layers = headed.elmo(ids, real, output_hidden_states=True).hidden_states
    shares = torch.tensor([1.0, 2.0, 0.5]).exp() / torch.tensor([1.0, 2.0, 0.5]).exp().sum()
    mixed = 3 * (shares[0] * layers[0] + shares[1] * layers[1] + shares[2] * layers[2])
    if "Sequence" in name:
        mixed = torch.stack([row[: int(own.sum())].mean(0) for row, own in zip(mixed, real, strict=True)])
    assert torch.allclose(headed(ids, real).logits, headed.classifier(mixed), atol=1e-6)
    labels = torch.zeros(headed(ids, real).logits.shape[:-1], dtype=torch.long)
    assert headed(ids, real, labels=labels).loss > 0


def test_a_fine_tuning_run_learns_a_task_by_the_mix_alone(folders, tmp_path):
    """One word decides; the words are known to the vocabulary, and the language model is random."""
    *_, model, _ = made(folders["packed"])
    (tmp_path / "backbone").mkdir()
    model.plain().save_pretrained(tmp_path / "backbone")
    tiny.tokenizer().save_pretrained(tmp_path / "backbone")
    manifest.write(tmp_path / "backbone", (tmp_path / "backbone").iterdir())
    (tmp_path / "data").mkdir()
    for split in ("train", "validation", "test"):
        rows = [(f"word{10 + n % 7} word{20 + n % 5} word{n % 2}", n % 2) for n in range(40)]
        table = pd.DataFrame(rows, columns=["text", "label"]).assign(id=[f"{split}{n}" for n in range(40)], text_b=None)
        table.astype({"text_b": "string"}).to_parquet(tmp_path / f"data/{split}.parquet", index=False)
    manifest.write(tmp_path / "data", (tmp_path / "data").iterdir())
    spec = finetune.FinetuneSpec.parse(
        {
            "kind": "classification",
            "labels": ["bad", "good"],
            "max_length": 16,
            "train": {"epochs": 20, "batch_size": 8, "lr": 0.05, "log_every": 10},
            "save_model": True,
            "architecture": "elmo",
        }
    )
    inputs = {name: [tmp_path / name / manifest.NAME] for name in ("data", "backbone")}
    execute("finetune", spec, finetune.run, out=tmp_path / "run", inputs=inputs, state=tmp_path / "state")
    assert json.loads((tmp_path / "run/metrics.json").read_text())["test/accuracy"] > 0.9
    tuned = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "run/model")
    assert tuned.mix.weights.abs().sum() > 0 and tuned.mix.gamma != 1
    for a, b in zip(tuned.elmo.parameters(), model.plain().elmo.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_reads_a_model_of_ours_is_told_so_and_nothing_else_is():
    runs = Runs(loading.load(yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8")), ROOT))
    assert runs.probe("even-elmo", "bbc-topics", "0").architecture == "elmo"
    assert "architecture" not in runs.probe("even-gpt2", "bbc-topics", "0").canonical()
    assert "scriptorium.models.architectures.elmo" in modules_of(runs.probe("even-elmo", "bbc-topics", "0"))
    assert "architecture" not in runs.finetune("tuned-mpnet", "sentiment", "0").canonical()
