"""Proves that full sentences fill blocks without loss, that RoBERTa equals transformers on packed and padded blocks,
and that its runs leave a directory that transformers reads."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import torch
import transformers

from scriptorium.models import roberta
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives import masked_blocks
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from scriptorium.text.blocks import Blocks
from scriptorium.text.layouts import FullSentences
from tests import lines, tiny

PAD, CLS, SEP = 0, 2, 3
LENGTH = 32
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 6, "batch_size": 4, "lr": 1e-3, "log_every": 2, "eval_every": 3}
LAYOUT = {"name": "full-sentences", "sentences": "lines"}
OBJECTIVE = {"name": "roberta", "document_attention": False}


def rows(documents, length=LENGTH):
    maker = FullSentences(CLS, SEP, PAD, length)
    documents = [[np.array(sentence, dtype=np.int32) for sentence in document] for document in documents]
    return [(ids.tolist(), owners.tolist()) for ids, owners in maker.blocks(documents)], maker


def test_full_sentences_by_hand():
    """Blocks of 9: two sentences and one of the next document after one more [SEP]; the last sentence is too long."""
    documents = [[[10, 11], [12]], [[13], []], [[]], [[14, 15, 16, 17, 18, 19, 20, 21, 22]]]
    found, maker = rows(documents, 9)
    assert found == [
        ([CLS, 10, 11, SEP, 12, SEP, SEP, 13, SEP], [0, 0, 0, 0, 0, 0, 0, 1, 1]),
        ([CLS, 14, 15, 16, 17, 18, 19, 20, 21], [2] * 9),
        ([CLS, 22, SEP, PAD, PAD, PAD, PAD, PAD, PAD], [2, 2, 2, -1, -1, -1, -1, -1, -1]),
    ]
    assert (maker.documents, maker.count, maker.tokens, maker.cut) == (3, 3, 21, 1)


def test_full_sentences_lose_nothing_and_cut_only_what_is_longer_than_a_block():
    generator = np.random.default_rng(0)
    token, documents = 100, []
    for _ in range(50):
        documents.append([])
        for size in generator.integers(0, 40, generator.integers(0, 9)):
            documents[-1].append(list(range(token, token + size)))
            token += size
    found, maker = rows(documents)
    assert [t for ids, _ in found for t in ids if t >= 100] == list(range(100, token))
    ends = {sentence[-1] for document in documents for sentence in document if sentence}
    fits = {t for document in documents for sentence in document if len(sentence) < LENGTH - 1 for t in sentence}
    for ids, owners in found:
        size = sum(owner >= 0 for owner in owners)
        assert ids[0] == CLS and set(ids[size:]) <= {PAD}
        assert owners[1:size] == sorted(owners[1:size])
        text = ids[1:size]
        for token, following in itertools.pairwise(text):
            if token in ends:
                assert following == SEP, "every sentence ends"
        if text[-1] != SEP:
            assert text[-1] not in fits, "a sentence that fits is whole"
    for (_, owners), (after, _) in itertools.pairwise(found):
        sentence = after[1:].index(SEP) + 1 if SEP in after else LENGTH
        assert owners.count(-1) < sentence or after[1] not in fits, "the next sentence had no room"
    assert maker.tokens == sum(owner >= 0 for _, owners in found for owner in owners)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: lines.packed(tmp_path_factory.mktemp(name), block_length=LENGTH, layout=layout)
        for name, layout in (("packed", None), ("padded", LAYOUT))
    }


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = roberta.build(EncoderSpec(**SHAPE, dropout=0.0), tiny.tokenizer())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1)
    return model


def batch_of(folder, *, document_attention=False):
    blocks = Blocks(folder / "train.arrow")
    spec = ObjectiveSpec.parse({**OBJECTIVE, "document_attention": document_attention})
    data = masked_blocks.MaskedBlocks(blocks, spec, tiny.tokenizer(), training_draws(0))
    return masked_blocks.collate(document_attention=document_attention)([data[(0, i)] for i in range(len(blocks))])


@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_logits_loss_and_gradients_equal_transformers(folders, model, kind):
    batch = batch_of(folders[kind])
    assert ("attention_mask" in batch) == (kind == "padded")
    whole = model.plain()
    assert type(whole) is transformers.RobertaForMaskedLM
    labels = torch.full_like(batch["input_ids"], -100)
    for row, (positions, true) in enumerate(zip(batch["positions"], batch["labels"], strict=True)):
        labels[row, positions[true != -100]] = true[true != -100]
    expected = whole(batch["input_ids"], attention_mask=batch.get("attention_mask"), labels=labels)
    rows = torch.arange(len(labels))[:, None]
    logits = model.predict(batch["input_ids"], batch["positions"], attention_mask=batch.get("attention_mask"))
    assert torch.allclose(logits, expected.logits[rows, batch["positions"]], atol=1e-5)
    found = model(**batch)["loss"]
    assert found.item() == pytest.approx(expected.loss.item(), abs=1e-6)
    expected.loss.backward()
    found.backward()
    tiny.same_gradients(model, whole, atol=1e-5)


def test_positions_count_from_behind_the_padding_symbol(model):
    """A change of the first used position changes the output; those before it are never read."""
    ids, rows = torch.tensor([[CLS, 10, 11]]), torch.tensor([[0, 1, 2]])
    table = model.roberta.embeddings.position_embeddings.weight
    assert len(table) == SHAPE["max_positions"] + PAD + 1
    model.eval()
    before = model.predict(ids, rows)
    with torch.no_grad():
        table[: PAD + 1] += 1
        assert torch.equal(model.predict(ids, rows), before)
        table[PAD + 1] += torch.arange(16.0)
        assert not torch.allclose(model.predict(ids, rows), before, atol=1e-3)


def test_packed_documents_equal_documents_alone_at_their_positions(folders, model):
    model.eval()
    batch = batch_of(folders["packed"], document_attention=True)
    together = model.predict(batch["input_ids"], batch["positions"], batch["document_ids"])
    checked = 0
    for row in range(4):
        owners = batch["document_ids"][row]
        for number in owners.unique():
            places = (owners == number).nonzero()[:, 0]
            slots = [
                k
                for k, place in enumerate(batch["positions"][row].tolist())
                if place in places and batch["labels"][row, k] != -100
            ]
            alone = model.roberta(batch["input_ids"][row : row + 1, places], position_ids=places[None] + PAD + 1)
            logits = model.lm_head(alone.last_hidden_state)[0, :, : model.tokens]
            for k in slots:
                own = (places == batch["positions"][row, k]).nonzero()[0, 0]
                assert torch.allclose(logits[own], together[row, k], atol=1e-5)
                checked += 1
    assert checked > 8


def test_padding_does_not_change_a_prediction(folders, model):
    model.eval()
    batch = batch_of(folders["padded"])
    together = model.predict(batch["input_ids"], batch["positions"], attention_mask=batch["attention_mask"])
    shorter = [row for row in range(len(together)) if batch["attention_mask"][row].sum() < LENGTH]
    assert shorter
    for row in shorter:
        size, count = int(batch["attention_mask"][row].sum()), int((batch["labels"][row] != -100).sum())
        alone = model.predict(batch["input_ids"][row : row + 1, :size], batch["positions"][row : row + 1, :count])
        assert torch.allclose(alone[0], together[row, :count], atol=1e-5)


def test_a_budget_of_tokens_buys_two_epochs_of_padded_blocks(folders, tmp_path):
    blocks = Blocks(folders["padded"] / "train.arrow")
    train = {**TRAIN, "max_steps": None, "max_tokens": 2 * blocks.tokens}
    spec = pretrain.PretrainSpec.parse({"model": SHAPE, "objective": OBJECTIVE, "train": train, "seed": 1})
    execute(
        "pretrain",
        spec,
        pretrain.run,
        out=tmp_path / "run",
        inputs={"blocks": [folders["padded"] / "manifest.json"]},
        state=tmp_path / "state",
    )
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics["train/steps"] == 2 * -(-len(blocks) // TRAIN["batch_size"])
    assert metrics["train/tokens"] == 2 * blocks.tokens < 2 * len(blocks) * LENGTH, "what was read, not the mean"


@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_stage_leaves_transformers_own_roberta_and_counts_real_tokens(folders, kind, tmp_path):
    spec = pretrain.PretrainSpec.parse({"model": SHAPE, "objective": OBJECTIVE, "train": TRAIN, "seed": 1})
    execute(
        "pretrain",
        spec,
        pretrain.run,
        out=tmp_path / "run",
        inputs={"blocks": [folders[kind] / "manifest.json"]},
        state=tmp_path / "state",
    )
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    every = TRAIN["max_steps"] * TRAIN["batch_size"] * LENGTH
    assert metrics["train/tokens"] == every if kind == "packed" else 0 < metrics["train/tokens"] < every
    directory = tmp_path / "run/model"
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["RobertaForMaskedLM"]
    for auto in (transformers.AutoModelForMaskedLM, transformers.AutoModelForSequenceClassification):
        model, info = auto.from_pretrained(directory, output_loading_info=True)
        assert type(model).__name__.startswith("Roberta")
        assert all(name.startswith("classifier") for name in info["missing_keys"])
