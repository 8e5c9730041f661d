"""Proves that XLNet's permuted language model has the true content stream, which transformers' collator loses; that no
query sees its own token; and that spans, order and counts are those of the paper."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from torch.utils.data import DataLoader

from scriptorium.engine.plan import EpochSampler
from scriptorium.models import xlnet as model_of
from scriptorium.models.positions import longest_input
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.xlnet import blocked
from scriptorium.objectives import xlnet
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.spec.permuted import SpansSpec
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from scriptorium.text.blocks import Blocks
from tests import lines, tiny

CLS, SEP, MASK, SPECIAL = 2, 3, 4, 5
LENGTH = 32
SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 6, "batch_size": 4, "lr": 1e-3, "log_every": 2, "eval_every": 3}
FULL = {"name": "full-sentences", "sentences": "lines"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        name: lines.packed(tmp_path_factory.mktemp(name), block_length=LENGTH, layout=layout)
        for name, layout in (("packed", None), ("padded", FULL))
    }


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = model_of.build(EncoderSpec(**SHAPE, dropout=0.0), tiny.tokenizer()).eval()
    with torch.no_grad():  # weights large enough that attention matters
        for parameter in model.parameters():
            parameter.mul_(8 if parameter.dim() > 1 else 1)
    return model


def data(folder, seed=0, **changes):
    spec = ObjectiveSpec.parse({"name": "xlnet", **changes})
    return xlnet.SpannedBlocks(Blocks(folder / "train.arrow"), spec, tiny.tokenizer(), training_draws(seed))


def test_who_is_hidden_from_whom_by_hand():
    """[CLS] a b c d [SEP]: b and d are predicted, order d (1), [SEP] (2), b (4), [CLS] (5); a and c have no place."""
    order = np.array([5, -1, 4, -1, 1, 2])
    expected = [  # of each row, 1 where the column's token is hidden: [CLS] a b c d [SEP]
        [1, 0, 0, 0, 0, 0],  # [CLS] comes last: it sees all but itself
        [1, 0, 1, 0, 1, 1],  # a sees only what has no place
        [1, 0, 1, 0, 0, 0],  # b sees d and [SEP], which come before it, but not itself
        [1, 0, 1, 0, 1, 1],  # c as a
        [1, 0, 1, 0, 1, 1],  # d comes first
        [1, 0, 1, 0, 0, 1],  # [SEP] sees d
    ]
    assert blocked(order).astype(int).tolist() == expected
    assert blocked(torch.tensor(order)).int().tolist() == expected


@pytest.mark.parametrize("document_attention", [True, False])
def test_changing_a_predicted_token_changes_later_predictions_and_no_others(folders, model, document_attention):
    """The one-token-change test: this dependency is what a permuted language model is."""
    ours = data(folders["packed"], document_attention=document_attention)
    batch = xlnet.collate(document_attention=document_attention)([ours[(0, i)] for i in range(3)])
    batch.pop("labels")
    before = model.predict(**batch)
    seen = 0
    for row in range(3):
        used = int((batch["positions"][row] >= 0).sum())
        for k in range(used):
            place = batch["positions"][row, k]
            other = batch["input_ids"].clone()
            other[row, place] = SPECIAL + (other[row, place] - SPECIAL + 1) % 90
            after = model.predict(**{**batch, "input_ids": other})
            change = (after - before).abs().amax(-1)
            assert (change[row, : k + 1] == 0).all(), "neither its own query nor earlier ones"
            assert change[[i for i in range(3) if i != row]].max() == 0
            if document_attention:
                owners = batch["document_ids"][row]
                same = owners[batch["positions"][row, k + 1 : used]] == owners[place]
            else:
                same = torch.ones(used - k - 1, dtype=torch.bool)
            later = change[row, k + 1 : used]
            assert (later[same] > 1e-6).all() and (later[~same] == 0).all()
            seen += int(same.sum())
    assert seen > 5


def test_transformers_collator_loses_the_dependency_that_ours_keeps(folders, model):
    """Issue 22435: where a token is predicted, its content stream reads <mask>, whatever the token is."""
    tokenizer = tiny.tokenizer()
    true = torch.tensor(Blocks(folders["packed"] / "train.arrow")[0][0]).long()
    collator = transformers.DataCollatorForPermutationLanguageModeling(tokenizer)

    def predictions(ids):
        torch.manual_seed(3)
        made = collator([{"input_ids": ids}])
        places = (made["labels"][0] != -100).nonzero()[:, 0]
        logits = transformers.XLNetLMHeadModel.forward(
            model, made["input_ids"], perm_mask=made["perm_mask"], target_mapping=made["target_mapping"]
        ).logits[0, places]
        return logits, places, made["input_ids"][0, places]

    before, places, content = predictions(true.clone())
    assert len(places) > 2 and (content == MASK).all()
    for place in places:
        other = true.clone()
        other[place] = SPECIAL + (other[place] - SPECIAL + 1) % 90
        assert torch.equal(predictions(other)[0], before), "no prediction depends on any predicted token"
    ours = data(folders["packed"])
    for index in range(len(ours)):
        example = ours[(0, index)]
        assert np.array_equal(example["input_ids"], ours.blocks[index][0]), "our content stream reads the true tokens"


def test_every_query_sees_something_and_never_itself(folders):
    for folder in folders.values():
        ours = data(folder, rate=0.5, spans={"most": 0.9})
        for index in range(len(ours)):
            example = ours[(0, index)]
            owners, ids = example["document_ids"], example["input_ids"]
            visible = ~blocked(example["order"]) & (owners[:, None] == owners)
            for place in example["positions"]:
                assert not visible[place, place]
                assert (ids[visible[place]] >= SPECIAL).any()


def test_order_and_targets_are_what_they_should_be(folders):
    ours = data(folders["padded"], document_attention=False)
    firsts = []
    for index in range(len(ours)):
        example = ours[(0, index)]
        ids, order, positions = example["input_ids"], example["order"], example["positions"]
        placed = order >= 0
        assert np.array_equal(placed, np.isin(ids, (CLS, SEP)) | np.isin(np.arange(LENGTH), positions))
        assert len(set(order[placed].tolist())) == placed.sum()
        assert (np.diff(order[positions]) > 0).all(), "positions stand in the order of prediction"
        assert (ids[positions] >= SPECIAL).all() and np.array_equal(example["labels"], ids[positions])
        firsts.append(positions[0] / (example["document_ids"] >= 0).sum())
    assert 0.3 < np.mean(firsts) < 0.7, "not from left to right"


def test_a_sixth_is_predicted_and_at_most_85_of_512():
    draws = training_draws(0)
    found = [xlnet.spans(512, 1 / 6, SpansSpec(), draws(0, i)) for i in range(200)]
    assert max(map(len, found)) == 85
    assert all((np.diff(one) > 0).all() and one[-1] < 512 for one in found)
    free = [len(xlnet.spans(6000, 1 / 6, SpansSpec(most=0.99), draws(1, i))) / 6000 for i in range(50)]
    assert np.mean(free) == pytest.approx(1 / 6, abs=0.002)
    assert len(xlnet.spans(128, 1 / 6, SpansSpec(most=0.01), draws(0, 0))) == 1


def test_lengths_of_spans_have_weights_1_over_n_and_stand_anywhere_in_their_context():
    """With contexts of 60 n hardly any two spans touch, so runs of positions are spans."""
    places = xlnet.spans(400_000, 1 / 60, SpansSpec(most=0.99), training_draws(0)(0, 0))
    sizes = np.array([len(run) for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)])
    assert len(sizes) > 2000
    expected = (1 / np.arange(1, 6)) / (1 / np.arange(1, 6)).sum()
    share = np.array([(sizes == n).mean() for n in range(1, 6)])
    assert (np.abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / len(sizes))).all(), (share, expected)
    single = xlnet.spans(600_000, 1 / 60, SpansSpec(longest=1, most=0.99), training_draws(0)(0, 1))
    assert len(single) == 10_000 and np.array_equal(single // 60, np.arange(10_000)), "one in every context"
    counts = np.bincount(single % 60, minlength=60)
    assert (np.abs(counts / 10_000 - 1 / 60) < 4.5 * np.sqrt(1 / 60 * 59 / 60 / 10_000)).all()


@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_examples_do_not_depend_on_order_batch_size_or_workers(folders, kind):
    ours = data(folders[kind], seed=4)
    expected = [ours[(2, index)] for index in range(len(ours))]
    assert any(not np.array_equal(a["order"], ours[(1, i)]["order"]) for i, a in enumerate(expected))
    sampler = EpochSampler(len(ours), seed=5)
    sampler.epoch = 2
    for workers, size in ((0, 1), (2, 5)):
        loader = DataLoader(
            ours,
            batch_size=size,
            sampler=sampler,
            num_workers=workers,
            collate_fn=xlnet.collate(document_attention=True),
        )
        rows = iter(sampler)
        for batch in loader:
            for row in range(len(batch["labels"])):
                one = expected[next(rows)[1]]
                assert batch.keys() == one.keys()
                for column, values in one.items():
                    assert np.array_equal(batch[column][row, : len(values)].numpy(), values), column


def test_padding_and_unused_slots_change_nothing(folders, model):
    ours = data(folders["padded"], document_attention=False)
    examples = [ours[(0, i)] for i in range(len(ours))]
    batch = xlnet.collate(document_attention=False)(examples)
    labels = batch.pop("labels")
    together = model.predict(**batch)
    shorter = [row for row in range(len(examples)) if batch["attention_mask"][row].sum() < LENGTH]
    assert shorter and (labels == -100).any()
    for row in shorter:
        size, count = int(batch["attention_mask"][row].sum()), len(examples[row]["labels"])
        alone = model.predict(
            batch["input_ids"][row : row + 1, :size],
            batch["order"][row : row + 1, :size],
            batch["positions"][row : row + 1, :count],
        )
        assert torch.allclose(alone[0], together[row, :count], atol=1e-4)


def test_loss_equals_transformers_on_the_same_permutation(folders, model):
    """Targets for predicted places only are transformers' queries for all places, looked at in these places."""
    batch = xlnet.collate(document_attention=False)([data(folders["packed"])[(0, i)] for i in range(4)])
    full = torch.eye(LENGTH).expand(4, -1, -1)
    logits = transformers.XLNetLMHeadModel.forward(
        model, batch["input_ids"], perm_mask=blocked(batch["order"]).float(), target_mapping=full
    ).logits[..., : model.tokens]
    used = batch["positions"] >= 0
    picked = logits[torch.arange(4)[:, None], batch["positions"].clamp(min=0)]
    assert torch.allclose(
        model.predict(**{k: v for k, v in batch.items() if k != "labels"})[used], picked[used], atol=1e-4
    )
    expected = torch.nn.functional.cross_entropy(picked[used], batch["labels"][used])
    assert model(**batch)["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["packed", "padded"])
def test_stage_leaves_transformers_own_xlnet_and_says_what_it_could_use(folders, kind, tmp_path):
    spec = pretrain.PretrainSpec.parse({"model": SHAPE, "objective": {"name": "xlnet"}, "train": TRAIN, "seed": 1})
    execute(
        "pretrain",
        spec,
        pretrain.run,
        out=tmp_path / "run",
        inputs={"blocks": [folders[kind] / "manifest.json"]},
        state=tmp_path / "state",
    )
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics["validation/loss"] > 0 and metrics["validation/unigram_loss"] > 0
    assert 0 < metrics["visible/tokens"] == metrics["visible/positions"] < 1
    directory = tmp_path / "run/model"
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["XLNetLMHeadModel"]
    model, info = transformers.XLNetLMHeadModel.from_pretrained(directory, output_loading_info=True)
    assert not info["missing_keys"]
    assert model.lm_loss.weight is model.transformer.word_embedding.weight
    classifier, info = transformers.AutoModelForSequenceClassification.from_pretrained(
        directory, output_loading_info=True
    )
    assert isinstance(classifier, transformers.XLNetForSequenceClassification)
    assert all(name.startswith(("logits_proj", "sequence_summary")) for name in info["missing_keys"])
    assert classifier.config.summary_type == "first"
    assert longest_input(classifier.config) > 10**6, "its positions are relative"
