"""Proves that encoder-decoders on blocks of several texts are transformers' own on each text alone, that no target sees
what comes later or another text, and that what is hidden is a pure function of (seed, epoch, index)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from torch.utils.data import DataLoader

from scriptorium.engine import flops
from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.objective import build
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.text_to_text import texts_of
from scriptorium.objectives.unigram import log_frequencies, unigram_loss
from scriptorium.text import sentinels
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

PAD, UNK, CLS, SEP = range(4)
LENGTH = 48
SHAPE = EncoderSpec(hidden_size=16, layers=2, heads=2, intermediate_size=40, max_positions=64, dropout=0.0)
LAYOUTS = {"packed": None, "padded": {"name": "full-sentences", "sentences": "lines"}}
TOKENIZER = tiny.generative(tiny.tokenizer())
SENTINELS = sentinels.of(TOKENIZER)
VARIANTS = {
    "bart": {"name": "bart"},
    "bart-delete": {"name": "bart", "noise": {"tokens": "delete", "permute_sentences": 0}},
    "t5": {"name": "t5"},
    "t5-tokens": {"name": "t5", "corruption": {"choice": "tokens"}},
    "prefix-lm": {"name": "prefix-lm"},
}
ALL = pytest.mark.parametrize("name", VARIANTS)
ONE_EACH = pytest.mark.parametrize("name", ["bart", "t5"])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    given = [text.replace("word5", "neverseen").replace("\n", " .\n") for text in lines.texts(words=(2, 12))]
    return {
        name: lines.packed(
            tmp_path_factory.mktemp(name), given=given, block_length=LENGTH, layout=layout, tokenizer=TOKENIZER
        )
        for name, layout in LAYOUTS.items()
    }


def made(folder, name, **changes):
    """(objective with weights large enough that attention matters, data)."""
    torch.manual_seed(0)
    objective = build(SHAPE, ObjectiveSpec.parse({**VARIANTS[name], **changes}), TOKENIZER)
    with torch.no_grad():
        for parameter in objective.model.parameters():
            parameter.mul_(4 if parameter.dim() > 1 and name.startswith("bart") else 1)
    objective.model.eval()
    return objective, objective.hide(Blocks(folder / "train.arrow"), training_draws(3))


def batch_of(objective, data, count=4):
    return objective.collate([data[(0, index)] for index in range(count)])


def test_the_texts_of_a_block_by_hand():
    tokens, owners = np.array([CLS, 7, SEP, 8, 9, SEP, SEP, 10, PAD]), np.array([1, 1, 1, 2, 2, 2, 2, 3, -1])
    how = {"cls": CLS, "sep": SEP}
    assert [text.tolist() for text in texts_of(tokens, owners, apart=True, **how)] == [[7], [8, 9], [10]]
    assert [text.tolist() for text in texts_of(tokens, owners, apart=False, **how)] == [[7, SEP, 8, 9, SEP, SEP, 10]]
    assert texts_of(tokens[1:3], owners[1:3] * [1, 2], apart=True, **how)[0].tolist() == [7], (
        "a text of nothing is none"
    )


def test_barts_logits_can_start_from_frequencies_and_are_saved_so(folders, tmp_path):
    assert not made(folders["packed"], "bart")[0].starts_from_frequencies
    objective, data = made(folders["packed"], "bart", frequency_bias=True)
    assert objective.starts_from_frequencies
    with torch.no_grad():
        objective.model.model.shared.weight.mul_(1e-3)  # as in a new model, where the bias alone makes the predictions
    told = [SEP]
    log_frequency = log_frequencies(Blocks(folders["packed"] / "train.arrow"), TOKENIZER, specials=told)
    batch = batch_of(objective, data, len(data))
    before = objective.model(**batch)["loss"].item()
    objective.model.start_from(log_frequency)
    after = objective.model(**batch)["loss"].item()
    assert after == pytest.approx(unigram_loss(data, log_frequency), abs=0.05) and after < before - 0.1
    objective.model.plain().save_pretrained(tmp_path)
    again = transformers.BartForConditionalGeneration.from_pretrained(tmp_path)
    assert torch.allclose(again.final_logits_bias[0], torch.from_numpy(log_frequency).float())


@ALL
@pytest.mark.parametrize("kind", LAYOUTS)
def test_examples_do_not_depend_on_order_batch_size_or_workers(folders, name, kind):
    objective, data = made(folders[kind], name)
    expected = [data[(2, index)] for index in range(len(data))]
    assert any(not np.array_equal(a["input_ids"], data[(1, i)]["input_ids"]) for i, a in enumerate(expected))
    _, again = made(folders[kind], name)
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


@ALL
def test_logits_loss_and_gradients_equal_transformers(folders, name):
    """A row of one text each, filled up to the longest: transformers needs masks of the sources alone."""
    objective, data = made(folders["padded"], name, document_attention=False)
    batch, model = batch_of(objective, data), objective.model
    whole, labels = model.plain().eval(), batch["labels"]
    theirs = whole(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        decoder_input_ids=batch["decoder_input_ids"],
        labels=labels,
    )
    assert (batch["texts"] < 0).any() or (batch["decoder_texts"] < 0).any()
    real = batch["decoder_texts"] >= 0
    found = model.predict(*(batch[key] for key in ("input_ids", "decoder_input_ids", "texts", "decoder_texts")))
    assert torch.allclose(found[real], theirs.logits[real], atol=1e-5)
    ours = model(**batch)["loss"]
    assert ours.item() == pytest.approx(theirs.loss.item(), abs=1e-5)
    theirs.loss.backward()
    ours.backward()
    tiny.same_gradients(model, whole, atol=1e-5)


@ALL
@pytest.mark.parametrize("kind", LAYOUTS)
def test_a_block_equals_its_texts_one_by_one(folders, name, kind):
    objective, data = made(folders[kind], name)
    batch, model = batch_of(objective, data, 3), objective.model
    whole = model.plain().eval()
    together = model.predict(*(batch[key] for key in ("input_ids", "decoder_input_ids", "texts", "decoder_texts")))
    texts = 0
    for row in range(len(together)):
        for number in range(int(batch["texts"][row].max()) + 1):
            source, target = (batch[key][row] == number for key in ("texts", "decoder_texts"))
            alone = whole(
                input_ids=batch["input_ids"][row, source][None],
                decoder_input_ids=batch["decoder_input_ids"][row, target][None],
            ).logits[0]
            assert torch.allclose(alone, together[row, target], atol=1e-5)
            texts += 1
    assert texts > 4


@ALL
def test_decoder_inputs_are_the_targets_shifted_as_transformers_shifts_them(folders, name):
    objective, data = made(folders["packed"], name)
    whole = objective.model.plain()
    for index in range(len(data)):
        example = data[(0, index)]
        for number in np.unique(example["decoder_texts"]):
            own = example["decoder_texts"] == number
            inputs, labels = example["decoder_input_ids"][own], example["labels"][own]
            known = labels != -100
            assert inputs[0] == whole.config.decoder_start_token_id == (PAD if whole.config.model_type == "t5" else SEP)
            assert np.array_equal(inputs[1:][known[:-1]], labels[:-1][known[:-1]])
            assert labels[-1] == SEP, "every target ends"


@ONE_EACH
def test_a_token_changes_later_predictions_of_its_own_text_alone(folders, name):
    objective, data = made(folders["packed"], name)
    batch, model = batch_of(objective, data, 2), objective.model
    keys = ("input_ids", "decoder_input_ids", "texts", "decoder_texts")
    before = model.predict(*(batch[key] for key in keys))
    owners = batch["decoder_texts"][0]
    for place in range(0, int((owners >= 0).sum()), 9):
        other = batch["decoder_input_ids"].clone()
        other[0, place] = 10 + (other[0, place] + 7) % 80
        changed = (model.predict(*({**batch, "decoder_input_ids": other}[key] for key in keys)) - before).abs().amax(-1)
        sees = (owners == owners[place]) & (torch.arange(len(owners)) >= place)
        assert (changed[0, sees] > 0).all() and not changed[0, ~sees].any() and not changed[1:].any()
    for place in range(0, int((batch["texts"][0] >= 0).sum()), 9):
        other = batch["input_ids"].clone()
        other[0, place] = 10 + (other[0, place] + 7) % 80
        changed = (model.predict(*({**batch, "input_ids": other}[key] for key in keys)) - before).abs().amax(-1)
        sees = owners == batch["texts"][0, place]
        sees |= owners < 0  # padding, which has no label, sees everything
        assert (changed[0, sees] > 0).all() and not changed[0, ~sees].any() and not changed[1:].any()


@ALL
def test_the_closed_form_of_flops_equals_torchs_counter(folders, name):
    objective, data = made(folders["packed"], name)
    batch = batch_of(objective, data)
    assert batch["input_ids"].shape[1] != batch["decoder_input_ids"].shape[1]
    assert flops.of(objective.model, batch) == flops.counted(objective.model, batch) > 0


def test_bart_writes_the_whole_original_from_a_noised_text(folders):
    blocks = Blocks(folders["packed"] / "train.arrow")
    _, data = made(folders["packed"], "bart")
    for index in range(len(blocks)):
        example = data[(0, index)]
        for number, text in enumerate(texts_of(*blocks[index], cls=CLS, sep=SEP, apart=True)):
            source = example["input_ids"][example["texts"] == number]
            own = example["decoder_texts"] == number
            assert (source[0], source[-1]) == (CLS, SEP) and len(source) <= len(text) + 2
            assert example["decoder_input_ids"][own].tolist() == [SEP, CLS, *text]
            expected = [-100, *np.where(text == UNK, -100, text), SEP]
            assert example["labels"][own].tolist() == expected


def put_back(source: list[int], target: list[int]) -> list[int]:
    """The text of a source and a target with sentinels."""
    places = {token: place for place, token in enumerate(target) if token in SENTINELS}
    text = []
    for token in source:
        if token in places:
            rest = target[places[token] + 1 :]
            text += rest[: next(number for number, other in enumerate(rest) if other in SENTINELS)]
        else:
            text.append(token)
    return text


@pytest.mark.parametrize("name", ["t5", "t5-tokens"])
def test_t5s_source_and_target_give_the_text_back(folders, name):
    blocks = Blocks(folders["packed"] / "train.arrow")
    _, data = made(folders["packed"], name)
    for index in range(len(blocks)):
        example = data[(0, index)]
        for number, text in enumerate(texts_of(*blocks[index], cls=CLS, sep=SEP, apart=True)):
            source = example["input_ids"][example["texts"] == number].tolist()
            own = example["decoder_texts"] == number
            target = [*example["decoder_input_ids"][own][1:].tolist(), SEP]
            assert (source.pop(), target.pop()) == (SEP, SEP)
            used = [token for token in target if token in SENTINELS]
            assert used == SENTINELS[: len(used)] and target[-1] == used[-1], "in their order, and one more at the end"
            assert [token for token in source if token in SENTINELS] == used[:-1]
            assert put_back(source, target) == text.tolist()
            assert set(example["labels"][own]) >= set(used), "sentinels are predicted"


def test_a_prefix_and_what_follows_are_the_text(folders):
    blocks, cuts = Blocks(folders["packed"] / "train.arrow"), []
    _, data = made(folders["packed"], "prefix-lm")
    for index in range(len(blocks)):
        example = data[(0, index)]
        for number, text in enumerate(texts_of(*blocks[index], cls=CLS, sep=SEP, apart=True)):
            source = example["input_ids"][example["texts"] == number].tolist()
            target = example["decoder_input_ids"][example["decoder_texts"] == number].tolist()
            assert (source.pop(), target[0]) == (SEP, PAD)
            assert source + target[1:] == text.tolist()
            cuts.append(len(source) / len(text))
    assert min(cuts) == 0 and 0.3 < np.mean(cuts) < 0.6


def test_blocks_that_do_not_fit_and_missing_symbols_are_refused(folders):
    with pytest.raises(UserError, match="the text is shorter than its noise"):
        made(folders["packed"], "bart", noise={"rate": 0.02})
    long = SHAPE.model_copy(update={"max_positions": LENGTH})
    objective = build(long, ObjectiveSpec.parse({"name": "bart"}), TOKENIZER)
    with pytest.raises(UserError, match=r"49 positions .* model.max_positions is 48"):
        objective.hide(Blocks(folders["packed"] / "train.arrow"), training_draws(0))
    for name in ("mask_token", "sep_token"):
        poor = tiny.generative(tiny.tokenizer())
        setattr(poor, name, None)
        with pytest.raises(UserError, match=f"no {name}") as caught:
            build(SHAPE, ObjectiveSpec.parse({"name": "bart"}), poor)
        assert "learn a vocabulary" in caught.value.remedy


def test_missing_and_too_few_sentinels_are_refused(folders):
    with pytest.raises(UserError, match="no sentinels") as caught:
        build(SHAPE, ObjectiveSpec.parse({"name": "t5"}), tiny.tokenizer())
    assert "sentinels: 100" in caught.value.remedy
    with pytest.raises(UserError, match=r"10 spans of a text of 48 tokens need 11 sentinels, the vocabulary has 5"):
        few = tiny.tokenizer()
        sentinels.add(few, 5)
        objective = build(SHAPE, ObjectiveSpec.parse({"name": "t5", "corruption": {"rate": 0.2, "span": 1}}), few)
        objective.hide(Blocks(folders["packed"] / "train.arrow"), training_draws(0))
    with pytest.raises(UserError, match="the text is shorter than its noise"):
        made(folders["packed"], "t5", corruption={"rate": 0.02})
    poor = tiny.generative(tiny.tokenizer())
    poor.pad_token = None
    with pytest.raises(UserError, match="no pad_token"):
        build(SHAPE, ObjectiveSpec.parse({"name": "t5"}), poor)
