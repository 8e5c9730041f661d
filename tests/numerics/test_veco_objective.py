"""Proves what VECO's objective hides and measures, and that its runs train all terms and leave a model that is read."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from torch.utils.data import DataLoader

from scriptorium.errors import UserError
from scriptorium.models import veco as models
from scriptorium.objectives import veco
from scriptorium.objectives.draws import held_out_draws, training_draws
from scriptorium.objectives.objective import check_blocks
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.stage import execute
from scriptorium.stages import pretrain
from scriptorium.text.blocks import Blocks
from tests import lines, tiny, two_sided

SHAPE = {"hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_positions": 64}
TRAIN = {"max_steps": 6, "batch_size": 4, "lr": 1e-3, "log_every": 2, "eval_every": 3}
MASK = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return two_sided.packed(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def train(folder):
    return Blocks(folder / "train.arrow")


def data_of(blocks, seed: int = 0, **changes):
    spec = ObjectiveSpec.parse({"name": "veco", **changes})
    return veco.MaskedPairs(blocks, spec, tiny.tokenizer(), training_draws(seed))


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_a_share_of_each_side_is_hidden_by_the_kind_of_block(train):
    """15 % of the ordinary tokens of a monolingual side, 25 % of a bilingual one; the label is what stood there."""
    data, kinds = data_of(train), set()
    for index in range(len(data)):
        example, (ids, owners) = data[index], train[index]
        kinds.add(bool(example["bilingual"][0]))
        rate = 0.25 if example["bilingual"][0] else 0.15
        for side in (0, 1):
            here = slice(32 * side, 32 * side + 32)
            ordinary = int(((ids[here] >= 5) & (owners[here] >= 0)).sum())
            predicted = (example["positions"] // 32 == side).sum()
            assert predicted == max(1, round(rate * ordinary))
        assert np.array_equal(example["labels"], ids[example["positions"]])
        assert (example["labels"] >= 5).all() and (owners[example["positions"]] >= 0).all()
        changed = np.flatnonzero(example["input_ids"].ravel() != ids)
        assert set(changed) <= set(example["positions"])
        assert np.array_equal(example["document_ids"].ravel(), owners)
    assert kinds == {True, False}


def test_what_is_hidden_is_a_pure_function_of_seed_epoch_and_block(train):
    one, again, other = data_of(train), data_of(train), data_of(train, seed=1)
    for index in (3, 0, 5):
        assert same(one[(2, index)], again[(2, index)])
        assert not same(one[(2, index)], one[(3, index)]) and not same(one[(2, index)], other[(2, index)])
    fixed = veco.MaskedPairs(train, ObjectiveSpec.parse({"name": "veco"}), tiny.tokenizer(), held_out_draws())
    assert same(fixed[(0, 1)], fixed[(7, 1)])


def test_workers_and_the_size_of_batches_change_nothing(train):
    data, keys = data_of(train), [(1, index) for index in range(6)]
    whole = veco.collate([data[key] for key in keys])
    halves = DataLoader(data, sampler=keys, batch_size=3, collate_fn=veco.collate, num_workers=2)
    for name in ("input_ids", "document_ids", "bilingual"):
        assert torch.equal(torch.cat([part[name] for part in halves]), whole[name])
    for key, labels, positions in zip(keys, whole["labels"].view(6, 2, -1), whole["positions"], strict=True):
        example = data[key]
        for side in (0, 1):
            kept, own = labels[side] != -100, example["positions"] // 32 == side
            assert labels[side][kept].tolist() == example["labels"][own].tolist()
            assert positions[side][kept].tolist() == (example["positions"][own] % 32).tolist()


def test_of_the_hidden_tokens_most_become_masks_and_some_stay(train):
    data = data_of(train)
    examples = [data[(epoch, index)] for epoch in range(3) for index in range(len(data))]
    found = np.concatenate([example["input_ids"].ravel()[example["positions"]] for example in examples])
    labels, streams = (np.concatenate([example[name] for example in examples]) for name in ("labels", "streams"))
    error = 4 * np.sqrt(0.8 * 0.2 / len(found))
    assert (found == MASK).mean() == pytest.approx(0.8, abs=error)
    assert (found == labels).mean() == pytest.approx(0.1, abs=error)
    assert streams.mean() == pytest.approx(0.5, abs=2 / np.sqrt(len(streams)))


def test_measures_by_hand():
    """Three blocks, the first monolingual; two terms of which one is trained with weight 2."""
    measured = veco.Measures(("mlm", "tlm"), {"tlm": 2.0})
    losses = np.array([[[2.0, 4.0], [0, 0]], [[1.0, 1.0], [3.0, 1.0]], [[0.0, 2.0], [1.0, 1.0]]])
    correct = np.array([[[1, 0], [0, 0]], [[1, 1], [0, 1]], [[0, 0], [1, 1]]])
    counts, labels = (
        np.array([[1, 2], [1, 1], [1, 2]]),
        np.array([[7, -100, 8, 9], [7, -100, 8, -100], [7, -100, 5, 6]]),
    )
    predictions = (losses[:, 0].sum(-1), correct[:, 0].sum(-1), losses, correct, counts, np.array([0, 1, 1]))
    found = measured(transformers.EvalPrediction(predictions, labels))
    assert found.pop("perplexity") == pytest.approx(np.exp(10 / 8))
    assert found == pytest.approx(
        {
            "loss": 10 / 8,
            "accuracy": 3 / 8,
            "objective": 2 * 6 / 8,
            "loss/monolingual/mlm_x": 2.0,
            "loss/monolingual/mlm_y": 2.0,
            "loss/monolingual/mlm": 2.0,
            "accuracy/monolingual/mlm_x": 1.0,
            "accuracy/monolingual/mlm_y": 0.0,
            "loss/bilingual/mlm_x": 0.5,
            "loss/bilingual/mlm_y": 1.0,
            "loss/bilingual/mlm": 4 / 5,
            "accuracy/bilingual/mlm_x": 0.5,
            "accuracy/bilingual/mlm_y": 1 / 3,
            "loss/bilingual/tlm_x": 2.0,
            "loss/bilingual/tlm_y": 2 / 3,
            "loss/bilingual/tlm": 6 / 5,
            "accuracy/bilingual/tlm_x": 0.5,
            "accuracy/bilingual/tlm_y": 2 / 3,
        }
    )


def run(folder, out, *, micro_batch=None, **changes):
    objective = {"name": "veco", **changes.pop("objective", {})}
    spec = {
        "model": SHAPE,
        "objective": objective,
        "train": {**TRAIN, **changes.pop("train", {})},
        "seed": 1,
        **changes,
    }
    execute(
        "pretrain",
        pretrain.PretrainSpec.parse(spec),
        pretrain.run,
        out=out,
        inputs={"blocks": [folder / "manifest.json"]},
        state=out.parent / "state",
        micro_batch=micro_batch,
    )
    return json.loads((out / "metrics.json").read_text())


def weights_of(out):
    return models.VecoForMaskedLM.from_pretrained(out / "model").state_dict()


@pytest.fixture(scope="module")
def finished(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "run"
    return out, run(folder, out)


def test_stage_trains_all_terms_and_tells_each_by_itself(finished):
    _, metrics = finished
    for kind, terms in (("monolingual", ("mlm", "ca")), ("bilingual", ("mlm", "ca", "tlm"))):
        for term in terms:
            sides = [metrics[f"validation/loss/{kind}/{term}_{side}"] for side in "xy"]
            assert min(sides) <= metrics[f"validation/loss/{kind}/{term}"] <= max(sides)
    assert "validation/loss/monolingual/tlm" not in metrics
    assert 3.5 < metrics["validation/loss"] < 5.5 and metrics["validation/unigram_loss"] < 5
    assert metrics["validation/objective"] > 2 * metrics["validation/loss"]


def test_saved_directory_is_read_as_veco_and_plugged_out(finished):
    directory = finished[0] / "model"
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["VecoForMaskedLM"]
    assert type(transformers.AutoModelForMaskedLM.from_pretrained(directory)) is transformers.XLMRobertaForMaskedLM
    encoder = models.VecoModel.from_pretrained(directory).eval()
    assert any("cross_attention" in name for name in encoder.state_dict())
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    assert encoder(**tokenizer("word1 word2", return_tensors="pt")).last_hidden_state.shape == (1, 2, 16)


def test_micro_batches_give_the_same_run(folder, finished, tmp_path):
    """Without dropout; in float32, so to its precision."""
    settings = {"model": {**SHAPE, "dropout": 0.0}}
    for name, most in (("one", None), ("two", 2)):
        (tmp_path / name).mkdir()
        run(folder, tmp_path / name / "run", micro_batch=most, **settings)
    one, two = (weights_of(tmp_path / name / "run") for name in ("one", "two"))
    moved = weights_of(finished[0])
    assert all(torch.allclose(value, two[name], atol=1e-5) for name, value in one.items())
    assert any((value - moved[name]).abs().max() > 1e-4 for name, value in one.items()), "the comparison can fail"


def test_xlm_is_a_weight_and_has_no_cross_attention(folder, tmp_path):
    metrics = run(folder, tmp_path / "run", objective={"paired": {"weights": {"ca": 0.0}}})
    assert not any("cross_attention" in name for name in weights_of(tmp_path / "run"))
    assert "validation/loss/bilingual/tlm" in metrics and "validation/loss/bilingual/ca" not in metrics


def test_packed_blocks_are_refused_by_name(tmp_path):
    blocks = Blocks(lines.packed(tmp_path, block_length=32) / "train.arrow")
    with pytest.raises(UserError, match="veco needs blocks of layout two-sided, these are packed"):
        check_blocks(ObjectiveSpec.parse({"name": "veco"}), blocks)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"paired": {"weights": {"mlm": 0, "ca": 0, "tlm": 0}}}, "all three are 0"),
        ({"paired": {"weights": {"ca": 0}, "predicted_by": "one"}}, "one needs both streams"),
        ({"document_attention": False}, "a pair never sees another one"),
        ({"paired": {"predicted_by": "neither"}}, "both"),
        ({"mask": 0.9, "random": 0.2}, "add up to more than 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_runs(settings, message):
    with pytest.raises(UserError, match=message):
        ObjectiveSpec.parse({"name": "veco", **settings})
