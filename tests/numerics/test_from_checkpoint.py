"""Proves that pre-training goes on from a checkpoint's weights, and that one that does not fit is told apart."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models import from_checkpoint, mlm, mpnet
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.objective import build, module_of
from scriptorium.objectives.spec import OBJECTIVES
from scriptorium.text import tokenizers
from tests import tiny

SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=48, max_positions=40)


def bert(shape: EncoderSpec = SHAPE, seed: int = 0):
    torch.manual_seed(seed)
    return mlm.build(shape, tiny.tokenizer())


def two_stream(shape: EncoderSpec = SHAPE, seed: int = 0):
    torch.manual_seed(seed)
    return mpnet.build(shape, tokenizers.fairseq_tokenizer(tiny.tokenizer()))


SAVED = {"bert": mlm.SAVED, "mpnet": mpnet.SAVED}
KINDS = pytest.mark.parametrize(("build", "kind"), [(bert, "bert"), (two_stream, "mpnet")])


@KINDS
def test_a_saved_model_gives_its_shape_and_all_its_weights(tmp_path, build, kind):
    first, second = build(seed=0), build(seed=1)
    first.plain().save_pretrained(tmp_path)
    assert from_checkpoint.shape_of(tmp_path, SAVED[kind]) == SHAPE
    assert from_checkpoint.copy_weights(second, tmp_path) == []
    for name, value in first.state_dict().items():
        rows = getattr(first.config, "tokens", None) or len(value)
        assert torch.equal(second.state_dict()[name][:rows], value[:rows]), name


@KINDS
def test_an_encoder_alone_leaves_the_head_new_and_says_so(tmp_path, build, kind):
    first, second = build(seed=0), build(seed=1)
    transformers.AutoModelForMaskedLM.from_config(first.plain().config)
    first.plain().base_model.save_pretrained(tmp_path)
    new = from_checkpoint.copy_weights(second, tmp_path)
    head = "cls." if kind == "bert" else "lm_head."
    assert new and all(name.startswith(head) for name in new)
    assert not any("decoder.weight" in name for name in new), "the decoder is tied to the embeddings"
    assert torch.equal(
        second.base_model.encoder.layer[1].output.dense.weight, first.base_model.encoder.layer[1].output.dense.weight
    )


def test_shapes_that_differ_are_listed_with_both_sizes(tmp_path):
    bert(
        EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=64, max_positions=40)
    ).plain().save_pretrained(tmp_path)
    with pytest.raises(UserError) as caught:
        from_checkpoint.copy_weights(bert(), tmp_path)
    lines = caught.value.problem.splitlines()
    assert (
        "  bert.encoder.layer.0.intermediate.dense.weight: (64, 32) in the checkpoint, (48, 32) in the model" in lines
    )
    assert len(lines) == 1 + 2 * 3, "weight and bias in, weight out, of two layers"


def test_another_kind_of_model_and_pickles_are_refused(tmp_path):
    bert().plain().save_pretrained(tmp_path / "bert")
    with pytest.raises(UserError, match="a bert model, and this objective trains mpnet"):
        from_checkpoint.shape_of(tmp_path / "bert", mpnet.SAVED)
    (tmp_path / "bert/model.safetensors").rename(tmp_path / "bert/pytorch_model.bin")
    with pytest.raises(UserError, match="only pickled weights"):
        from_checkpoint.shape_of(tmp_path / "bert", mlm.SAVED)


def test_a_checkpoint_of_many_files_is_read_whole(tmp_path):
    first, second = bert(seed=0), bert(seed=1)
    first.plain().save_pretrained(tmp_path)
    weights = safetensors.torch.load_file(tmp_path / "model.safetensors")
    names = sorted(weights)
    (tmp_path / "model.safetensors").unlink()
    for number, part in enumerate((names[::2], names[1::2])):
        safetensors.torch.save_file({name: weights[name] for name in part}, tmp_path / f"model-{number}.safetensors")
    assert from_checkpoint.copy_weights(second, tmp_path) == []
    assert torch.equal(second.bert.embeddings.word_embeddings.weight, first.bert.embeddings.word_embeddings.weight)


def test_relative_positions_that_are_switched_off_stay_off(tmp_path):
    two_stream().plain().save_pretrained(tmp_path)
    model = mpnet.build(SHAPE, tokenizers.fairseq_tokenizer(tiny.tokenizer()), relative=False)
    assert from_checkpoint.copy_weights(model, tmp_path) == []
    assert (model.mpnet.encoder.relative_attention_bias.weight == 0).all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_goes_on_from_what_it_saves(tmp_path, name):
    spec, tokenizer = OBJECTIVES[name](), tiny.generative(tokenizers.fairseq_tokenizer(tiny.tokenizer()))
    first, second = (build(SHAPE, spec, tokenizer).model for _ in "ab")
    first.plain().save_pretrained(tmp_path)
    relative = module_of(spec).SAVED.max_positions is None  # no text is too long
    positions = {"max_positions": 512} if relative else {}
    assert from_checkpoint.shape_of(tmp_path, module_of(spec).SAVED) == SHAPE.model_copy(update=positions)
    assert from_checkpoint.copy_weights(second, tmp_path) == []
