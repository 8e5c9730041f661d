"""Proves that GLM on blocks of several texts is GPT-2's body under a mask of two parts, that no token sees itself or
what is written after it, and that what is saved reads a text as part A by transformers' AutoModel."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional
from torch.utils.data import DataLoader

from scriptorium.engine import flops
from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.models.glm import GlmForBlankInfilling
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
KEYS = ("input_ids", "texts", "positions", "inside", "rows")


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
    objective = build(SHAPE, ObjectiveSpec.parse({"name": "glm", **changes}), tiny.tokenizer())
    with torch.no_grad():
        for parameter in objective.model.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1)
    objective.model.eval()
    return objective, objective.hide(Blocks(folder / "train.arrow"), training_draws(3))


def batch_of(objective, data, count=4):
    return objective.collate([data[(0, index)] for index in range(count)])


def predict(model, batch, **changes):
    return model.predict(*({**batch, **changes}[key] for key in KEYS))


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
def test_part_a_with_its_blanks_filled_is_the_text(folders, kind, apart):
    blocks = Blocks(folders[kind] / "train.arrow")
    _, data = made(folders[kind], document_attention=apart)
    several = 0
    for index in range(len(blocks)):
        example = data[(0, index)]
        assert np.array_equal(example["rows"], np.flatnonzero(example["inside"]))
        labels = np.full(len(example["inside"]), PAD)
        labels[example["rows"]] = example["labels"]
        texts = texts_of(*blocks[index], cls=CLS, sep=SEP, apart=apart)
        assert set(example["texts"]) == set(range(len(texts)))
        for number, text in enumerate(texts):
            own = example["texts"] == number
            ids, positions, inside = (example[key][own] for key in ("input_ids", "positions", "inside"))
            told = labels[own]
            first = ids[inside == 0]
            assert (first[0], first[-1]) == (CLS, SEP) and (positions[: len(first)] == np.arange(len(first))).all()
            begins = np.append(np.flatnonzero(inside == 1), len(inside))
            spans = {}
            for begin, end in pairwise(begins):
                assert ids[begin] == CLS and told[end - 1] == SEP
                assert (inside[begin:end] == np.arange(1, end - begin + 1)).all()
                assert len(set(positions[begin:end])) == 1 and first[positions[begin]] == MASK
                known = told[begin : end - 1] != -100
                assert np.array_equal(ids[begin + 1 : end][known], told[begin : end - 1][known])
                assert (ids[begin + 1 : end][~known] == UNK).all(), "[UNK] alone is not predicted"
                spans[int(positions[begin])] = ids[begin + 1 : end].tolist()
            assert sorted(spans) == np.flatnonzero(first == MASK).tolist(), "a span for each mask"
            filled = [spans.get(place, [int(token)]) for place, token in enumerate(first)]
            assert list(chain(*filled))[1:-1] == text.tolist()
            several += list(spans) != sorted(spans)
        if kind == "padded":
            assert example["attention_mask"].sum() == (blocks[index][1] >= 0).sum()
    assert several > 0, "spans stand in random order"


def by_hand(texts, inside):
    """bool [R, R]: what each row sees, one key at a time."""
    sees = np.zeros((len(texts), len(texts)), dtype=bool)
    for row in range(len(texts)):
        for key in range(len(texts)):
            in_a = inside[key] == 0
            written = inside[row] > 0 and inside[key] > 0 and key <= row
            sees[row, key] = texts[row] == texts[key] and (in_a or written)
    return sees


@KINDS
def test_logits_loss_and_gradients_equal_gpt2s_under_this_mask(folders, kind):
    objective, data = made(folders[kind])
    batch, model = batch_of(objective, data), objective.model
    plain = model.plain()
    whole = transformers.GPT2LMHeadModel(plain.config).eval()
    missing, left = whole.load_state_dict(plain.state_dict(), strict=False)
    assert not missing and left == ["span_embeddings.weight"]
    table = plain.span_embeddings.weight.detach().clone().requires_grad_()
    masks = np.stack([by_hand(*pair) for pair in zip(batch["texts"].numpy(), batch["inside"].numpy(), strict=True)])
    theirs = whole(
        inputs_embeds=whole.transformer.wte(batch["input_ids"]) + table[batch["inside"]],
        position_ids=batch["positions"],
        attention_mask=torch.from_numpy(masks)[:, None],
    ).logits
    rows = torch.arange(len(theirs))[:, None]
    expected = theirs[rows, batch["rows"]]
    assert torch.allclose(predict(model, batch), expected, atol=1e-5)
    lost = functional.cross_entropy(expected.flatten(0, 1), batch["labels"].flatten())
    ours = model(**batch)["loss"]
    assert ours.item() == pytest.approx(lost.item(), abs=1e-5)
    lost.backward()
    ours.backward()
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert torch.allclose(found.pop("span_embeddings.weight")[1:], table.grad[1:], atol=1e-5)
    table = model.span_embeddings.weight
    assert not table[0].any() and not table.grad[0].any(), "part A has no place"
    for name, parameter in whole.named_parameters():
        assert torch.allclose(found[name][: len(parameter)], parameter.grad, atol=1e-5), name


@KINDS
def test_a_block_equals_its_texts_one_by_one(folders, kind):
    objective, data = made(folders[kind])
    batch, model = batch_of(objective, data, 3), objective.model
    whole, together, texts = model.plain().eval(), predict(model, batch), 0
    for row in range(len(together)):
        for number in range(int(batch["texts"][row].max()) + 1):
            own = batch["texts"][row] == number
            asked = own[batch["rows"][row]] & (batch["inside"][row][batch["rows"][row]] > 0)
            ids, positions, inside = (batch[key][row, own][None] for key in ("input_ids", "positions", "inside"))
            rows = inside[0].nonzero()[:, 0][None]
            alone = whole.predict(ids, torch.zeros_like(ids), positions, inside, rows)[0]
            assert torch.allclose(alone, together[row, asked], atol=1e-5)
            texts += 1
    assert texts > 4


@pytest.mark.parametrize("blanks", [{"sentences": 1.0}, {"ends": 1.0}, {"sentences": 0.3, "ends": 0.3}])
def test_sentences_and_ends_are_written_and_learned_from_alike(folders, blanks, monkeypatch):
    """Part A with its blanks filled is the text; every place inside the longest blank has an embedding."""
    monkeypatch.setattr(tiny, "tokenizer", lambda plain=tiny.tokenizer: tiny.generative(plain()))
    objective, data = made(folders["packed"], blanks=blanks)
    longest = 0
    for index in range(min(len(data), 30)):
        example = data[(0, index)]
        outer = objective.model.config.longest
        longest = max(longest, int(example["inside"].max()))
        assert example["inside"].max() <= outer + 1 and len(example["rows"]) == len(example["labels"])
    assert longest > 8, "whole texts"
    batch = batch_of(objective, data)
    outcome = objective.model(**batch)
    assert torch.isfinite(outcome["loss"])


def test_a_token_is_seen_by_its_own_text_and_if_written_by_later_rows_alone(folders):
    """So no token sees itself, later tokens of its span or later spans; and nothing of part A sees part B."""
    objective, data = made(folders["packed"])
    batch, model = batch_of(objective, data, 2), objective.model
    keys = KEYS[:4]
    before, states = predict(model, batch), model.states(*(batch[key] for key in keys))
    texts, inside, rows = (batch[key][0] for key in ("texts", "inside", "rows"))
    real, written = rows > 0, 0
    for place in range(0, int((texts >= 0).sum()), 3):
        other = batch["input_ids"].clone()
        other[0, place] = 5 + (other[0, place] + 7) % 90
        changed = (predict(model, batch, input_ids=other) - before).abs().amax(-1)
        sees = texts[rows] == texts[place]
        if inside[place]:
            sees &= rows >= place
            after = model.states(*({**batch, "input_ids": other}[key] for key in keys))
            assert torch.equal(after[0, inside == 0], states[0, inside == 0]), "part A does not see what is written"
            if inside[place] > 1:  # the row before predicts this token
                assert not changed[0, rows == place - 1].any()
                written += 1
        assert (changed[0, sees & real] > 0).all() and not changed[0, ~sees & real].any() and not changed[1:].any()
    assert written > 2


def test_what_is_saved_reads_a_text_as_part_a_by_automodel_and_all_of_it_by_its_class(folders, tmp_path):
    objective, data = made(folders["padded"])
    plain = objective.model.plain().eval()
    plain.save_pretrained(tmp_path)
    assert plain.config.vocab_size == len(tiny.tokenizer()), "without padding"
    encoder = transformers.AutoModel.from_pretrained(tmp_path).eval()
    assert type(encoder) is transformers.GPT2Model
    ids = torch.tensor([[CLS, 10, 11, 12, SEP], [CLS, 20, SEP, PAD, PAD]])
    texts = torch.tensor([[0] * 5, [0, 0, 0, -1, -1]])
    nothing = torch.zeros_like(ids)
    ours = plain.states(ids, texts, torch.arange(5).expand(2, -1), nothing)
    real = texts >= 0
    assert torch.allclose(encoder(ids, attention_mask=real.long()).last_hidden_state[real], ours[real], atol=1e-5)
    assert torch.allclose(encoder(ids[:1]).last_hidden_state, ours[:1], atol=1e-5), "in both directions"
    again = GlmForBlankInfilling.from_pretrained(tmp_path).eval()
    batch = batch_of(objective, data)
    assert torch.allclose(predict(again, batch), predict(objective.model, batch), atol=1e-5)


@KINDS
def test_the_closed_form_of_flops_equals_torchs_counter(folders, kind):
    objective, data = made(folders[kind])
    batch = batch_of(objective, data)
    assert batch["rows"].shape[1] < batch["input_ids"].shape[1]
    assert flops.of(objective.model, batch) == flops.counted(objective.model, batch) > 0


def test_blocks_that_do_not_fit_and_missing_symbols_are_refused(folders):
    with pytest.raises(UserError, match="the text is shorter than its noise"):
        made(folders["packed"], blanks={"rate": 0.02})
    few = SHAPE.model_copy(update={"max_positions": LENGTH})
    objective = build(few, ObjectiveSpec.parse({"name": "glm"}), tiny.tokenizer())
    with pytest.raises(UserError, match=r"49 positions .* model.max_positions is 48"):
        objective.hide(Blocks(folders["packed"] / "train.arrow"), training_draws(0))
    for name in ("cls_token", "mask_token", "sep_token"):
        poor = tiny.tokenizer()
        setattr(poor, name, None)
        with pytest.raises(UserError, match=f"no {name}") as caught:
            build(SHAPE, ObjectiveSpec.parse({"name": "glm"}), poor)
        assert "learn a vocabulary" in caught.value.remedy
    with pytest.raises(Exception, match="frequency_bias: glm has no such settings"):
        ObjectiveSpec.parse({"name": "glm", "frequency_bias": True})
