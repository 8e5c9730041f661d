"""Proves that MASS on blocks of several texts is transformers' BART asked for a fragment of each text alone, that no
token sees what is written after it, and that what is hidden is a pure function of (seed, epoch, index)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader

from scriptorium.engine import flops
from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.text_to_text import texts_of
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

PAD, UNK, CLS, SEP, MASK = range(5)
LENGTH = 48
SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=40, max_positions=64, dropout=0.0)
LAYOUTS = {"packed": None, "padded": {"name": "full-sentences", "sentences": "lines"}}
KINDS = pytest.mark.parametrize("kind", LAYOUTS)
KEYS = ("input_ids", "decoder_input_ids", "texts", "decoder_texts", "decoder_places")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    given = [text.replace("word5", "neverseen") for text in lines.texts(words=(2, 12))]  # so that there are [UNK]
    return {
        name: lines.packed(tmp_path_factory.mktemp(name), given=given, block_length=LENGTH, layout=layout)
        for name, layout in LAYOUTS.items()
    }


def made(folder, **changes):
    """(objective with weights large enough that attention matters, data)."""
    torch.manual_seed(0)
    objective = build(SHAPE, ObjectiveSpec.parse({"name": "mass", **changes}), tiny.tokenizer())
    with torch.no_grad():
        for parameter in objective.model.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    objective.model.eval()
    return objective, objective.hide(Blocks(folder / "train.arrow"), training_draws(3))


def batch_of(objective, data, count=4):
    return objective.collate([data[(0, index)] for index in range(count)])


def predict(model, batch, **changes):
    return model.predict(*({**batch, **changes}[key] for key in KEYS))


def asked_alone(whole, source, text, places):
    """Logits [m, tokens] by transformers' class: the decoder is given all of the text, and sees the fragment's part.

    source, text [n + 2]: with [CLS] and [SEP]; places [m] of the tokens that are read.
    """
    seen = torch.zeros_like(text)
    seen[places] = 1
    given = whole(input_ids=source[None], decoder_input_ids=text[None], decoder_attention_mask=seen[None])
    return given.logits[0, places]


def split(batch, row, blocks, *, apart):
    """(rows of the decoder, source, text, places) of every text of a row."""
    texts = texts_of(*blocks[row], cls=CLS, sep=SEP, apart=apart)
    for number, text in enumerate(texts):
        source, target = (batch[key][row] == number for key in ("texts", "decoder_texts"))
        whole = torch.tensor([CLS, *text.tolist(), SEP])
        yield target, batch["input_ids"][row, source], whole, batch["decoder_places"][row, target]


@KINDS
def test_examples_do_not_depend_on_order_batch_size_or_workers(folders, kind):
    objective, data = made(folders[kind])
    expected = [data[(2, index)] for index in range(len(data))]
    assert any(not np.array_equal(a["input_ids"], data[(1, i)]["input_ids"]) for i, a in enumerate(expected))
    _, again = made(folders[kind])
    sampler = EpochSampler(len(data), seed=5)
    sampler.epoch = 2
    for workers, size in ((0, 1), (2, 5)):
        loader = DataLoader(again, batch_size=size, sampler=sampler, num_workers=workers, collate_fn=objective.collate)
        rows = iter(sampler)
        for batch in loader:
            for row in range(len(batch["labels"])):
                one = expected[next(rows)[1]]
                assert batch.keys() == one.keys() and ("attention_mask" in one) == (kind == "padded")
                for column, values in one.items():
                    assert np.array_equal(batch[column][row, : len(values)].numpy(), values), column


@KINDS
@pytest.mark.parametrize("apart", [True, False])
def test_source_and_target_are_the_text_at_its_places(folders, kind, apart):
    blocks = Blocks(folders[kind] / "train.arrow")
    objective, data = made(folders[kind], document_attention=apart, fragment={"mask": 1, "random": 0})
    batch, ends = batch_of(objective, data, len(data)), 0
    for index in range(len(blocks)):
        for own, source, text, places in split(batch, index, blocks, apart=apart):
            written, labels = text[places + 1], batch["labels"][index, own]
            assert torch.equal(labels, torch.where(written == UNK, -100, written))
            assert torch.equal(batch["decoder_input_ids"][index, own], text[places])
            assert torch.equal(source, text.scatter(0, places + 1, MASK))
            ends += int((labels == SEP).sum())
    assert ends > 0, "the end of a text is predicted"


@KINDS
@pytest.mark.parametrize("apart", [True, False])
def test_a_block_equals_its_texts_one_by_one_in_transformers(folders, kind, apart):
    blocks = Blocks(folders[kind] / "train.arrow")
    objective, data = made(folders[kind], document_attention=apart)
    batch, model = batch_of(objective, data), objective.model
    whole, together, texts = model.plain().eval(), predict(model, batch), 0
    assert whole.config.decoder_start_token_id == CLS
    for row in range(len(together)):
        for own, source, text, places in split(batch, row, blocks, apart=apart):
            assert torch.allclose(asked_alone(whole, source, text, places), together[row, own], atol=1e-5)
            texts += 1
    assert texts >= 4


def test_loss_and_gradients_equal_transformers(folders):
    blocks = Blocks(folders["padded"] / "train.arrow")
    objective, data = made(folders["padded"])
    batch, model = batch_of(objective, data, 2), objective.model
    whole = model.plain().eval()
    logits, labels = [], []
    for row in range(2):
        for own, source, text, places in split(batch, row, blocks, apart=True):
            logits.append(asked_alone(whole, source, text, places))
            labels.append(batch["labels"][row, own])
    theirs = functional.cross_entropy(torch.cat(logits), torch.cat(labels))
    ours = model(**batch)["loss"]
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)
    theirs.backward()
    ours.backward()
    tiny.same_gradients(model, whole, atol=1e-5)


def test_a_token_changes_later_predictions_of_its_own_text_alone(folders):
    objective, data = made(folders["packed"])
    batch, model = batch_of(objective, data, 2), objective.model
    before, owners = predict(model, batch), batch["decoder_texts"][0]
    for place in range(0, int((owners >= 0).sum()), 5):
        other = batch["decoder_input_ids"].clone()
        other[0, place] = 10 + (other[0, place] + 7) % 80
        changed = (predict(model, batch, decoder_input_ids=other) - before).abs().amax(-1)
        sees = (owners == owners[place]) & (torch.arange(len(owners)) >= place)
        assert (changed[0, sees] > 0).all() and not changed[0, ~sees].any() and not changed[1:].any()
    for place in range(0, int((batch["texts"][0] >= 0).sum()), 9):
        other = batch["input_ids"].clone()
        other[0, place] = 10 + (other[0, place] + 7) % 80
        changed = (predict(model, batch, input_ids=other) - before).abs().amax(-1)
        sees = owners == batch["texts"][0, place]
        sees |= owners < 0  # padding, which has no label, sees everything
        assert (changed[0, sees] > 0).all() and not changed[0, ~sees].any() and not changed[1:].any()


@KINDS
def test_the_closed_form_of_flops_equals_torchs_counter(folders, kind):
    objective, data = made(folders[kind])
    batch = batch_of(objective, data)
    assert batch["input_ids"].shape[1] > batch["decoder_input_ids"].shape[1], "half is written"
    assert flops.of(objective.model, batch) == flops.counted(objective.model, batch) > 0


def test_blocks_that_do_not_fit_and_missing_symbols_are_refused(folders):
    with pytest.raises(UserError, match="the text is shorter than its noise"):
        made(folders["packed"], fragment={"rate": 0.01})
    few = SHAPE.model_copy(update={"max_positions": LENGTH})
    objective = build(few, ObjectiveSpec.parse({"name": "mass"}), tiny.tokenizer())
    with pytest.raises(UserError, match=r"49 positions .* model.max_positions is 48"):
        objective.hide(Blocks(folders["packed"] / "train.arrow"), training_draws(0))
    for name in ("cls_token", "mask_token", "sep_token"):
        poor = tiny.tokenizer()
        setattr(poor, name, None)
        with pytest.raises(UserError, match=f"no {name}") as caught:
            build(SHAPE, ObjectiveSpec.parse({"name": "mass"}), poor)
        assert "learn a vocabulary" in caught.value.remedy
