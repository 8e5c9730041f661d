"""Proves that causal language models on GPT-2's and LLaMA's bodies are transformers' own, that no token sees a later
one, and that a block of several documents equals its documents one by one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scriptorium.models.owners import places
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

PAD, UNK, CLS, SEP = range(4)
LENGTH = 32
SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=40, max_positions=LENGTH, dropout=0.0)
FULL = {"name": "full-sentences", "sentences": "lines"}
BODIES = pytest.mark.parametrize("name", ["gpt2", "llama"])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    given = [text.replace("word5", "neverseen") for text in lines.texts()]  # so that there are [UNK]
    return {
        name: lines.packed(tmp_path_factory.mktemp(name), given=given, block_length=LENGTH, layout=layout)
        for name, layout in (("packed", None), ("padded", FULL))
    }


def made(folder, name, **settings):
    """(blocks, data, model with weights large enough that attention matters, batch of four)."""
    torch.manual_seed(0)
    objective = build(SHAPE, ObjectiveSpec.parse({"name": name, **settings}), tiny.tokenizer())
    with torch.no_grad():
        for parameter in objective.model.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1)
    blocks = Blocks(folder / "train.arrow")
    data = objective.hide(blocks, training_draws(0))
    return blocks, data, objective.model.eval(), objective.collate([data[(0, index)] for index in range(4)])


class Fixed:
    """One block by hand."""

    padded = False

    def __init__(self, *columns):
        self.columns = tuple(np.array(column, dtype=np.int32) for column in columns)

    def __getitem__(self, _):
        return self.columns


def test_a_block_of_three_documents_by_hand():
    """A continued document, a whole one with an unknown word, and the beginning of a third."""
    blocks = Fixed([CLS, 10, 11, SEP, 12, UNK, SEP, 13], [4, 4, 4, 4, 5, 5, 5, 6])
    data = build(SHAPE, ObjectiveSpec.parse({"name": "gpt2"}), tiny.tokenizer()).hide(blocks, training_draws(0))
    example = data[(3, 0)]
    assert example["input_ids"].tolist() == [CLS, 10, 11, CLS, 12, UNK, CLS], "the next document's [CLS] for [SEP]"
    assert example["labels"].tolist() == [10, 11, SEP, 12, -100, SEP, 13]
    assert example["document_ids"].tolist() == [4, 4, 4, 5, 5, 5, 6]
    assert places(torch.tensor(example["document_ids"])[None]).tolist() == [[0, 1, 2, 0, 1, 2, 0]]


@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_every_token_but_the_blocks_first_is_predicted_once(folders, kind):
    blocks, data, *_ = made(folders[kind], "gpt2")
    unknown = 0
    for index in range(len(blocks)):
        (tokens, owners), example = blocks[index], data[(1, index)]
        predicted = (owners >= 0) & (tokens != UNK)
        assert np.array_equal(example["labels"] != -100, predicted[1:])
        assert np.array_equal(example["labels"][predicted[1:]], tokens[1:][predicted[1:]])
        assert all(np.array_equal(values, data[(2, index)][name]) for name, values in example.items())
        if kind == "padded":
            assert example["attention_mask"].sum() == (owners >= 0).sum() - 1
        unknown += (tokens == UNK).sum()
    assert unknown > 0


@BODIES
@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_logits_loss_and_gradients_equal_transformers(folders, name, kind):
    *_, model, batch = made(folders[kind], name, document_attention=False)
    assert ("attention_mask" in batch) == (kind == "padded")
    whole = model.plain().eval()
    ids, labels = batch["input_ids"], batch["labels"]
    expected = whole(ids).logits
    assert torch.allclose(model.predict(ids), expected, atol=1e-5)
    theirs = whole(ids, labels=ids, shift_labels=labels).loss  # transformers' own loss, of labels that are shifted
    ours = model(**batch)["loss"]
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    theirs.backward()
    ours.backward()
    tiny.same_gradients(model, whole, atol=1e-5)


@BODIES
@pytest.mark.parametrize("restart", [True, False])
def test_a_block_equals_its_documents_one_by_one(folders, name, restart):
    """With positions that begin anew, transformers' class is asked as anybody would ask it; else at the same places."""
    *_, model, batch = made(folders["packed"], name, restart=restart)
    whole, together = model.plain().eval(), model.predict(batch["input_ids"], batch["document_ids"])
    documents = 0
    for row, owners in enumerate(batch["document_ids"]):
        for number in owners.unique():
            own = (owners == number).nonzero()[:, 0]
            ids = batch["input_ids"][row : row + 1, own]
            assert ids[0, 0] == CLS
            alone = whole(ids) if restart else whole(ids, position_ids=own[None])
            assert torch.allclose(alone.logits[0], together[row, own], atol=1e-5)
            documents += 1
    assert documents > 5
    assert not torch.allclose(model.predict(batch["input_ids"]), together, atol=1e-3)


@BODIES
@pytest.mark.parametrize("document_attention", [True, False])
def test_a_token_changes_its_own_and_later_predictions_of_its_document_alone(folders, name, document_attention):
    *_, model, batch = made(folders["packed"], name, document_attention=document_attention)
    ids, owners = batch["input_ids"], batch.get("document_ids", torch.zeros_like(batch["input_ids"]))
    given = owners if document_attention else None
    before = model.predict(ids, given)
    for place in range(0, LENGTH - 1, 7):
        other = ids.clone()
        other[0, place] = 5 + (ids[0, place] + 7) % 90
        changed = (model.predict(other, given) - before).abs().amax(-1)
        sees = (owners[0] == owners[0, place]) & (torch.arange(LENGTH - 1) >= place)
        assert (changed[0, sees] > 1e-6).all() and not changed[0, ~sees].any() and not changed[1:].any()


@BODIES
def test_a_frequency_bias_is_refused_because_there_is_no_bias(name):
    with pytest.raises(Exception, match=f"frequency_bias: {name} has no such settings"):
        ObjectiveSpec.parse({"name": name, "frequency_bias": True})
