"""Proves that VECO takes the weights of XLM-R's and of BERT's kind of encoder, and gives them back."""

from __future__ import annotations

import pytest
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models import from_checkpoint, mlm, veco
from tests import tiny
from tests import veco as pairs

SHAPE = pairs.SHAPE
IDS = torch.tensor([[5, 17, 60, 99, 7], [44, 8, 0, 0, 0]])
MASK = (IDS != 0).long()


def bert(kind=transformers.BertForMaskedLM, vocabulary: int = 100):
    """A multilingual encoder of BERT's shape: positions from 0, two segments, its own epsilon."""
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=vocabulary,
        hidden_size=SHAPE.hidden_size,
        num_hidden_layers=SHAPE.layers,
        num_attention_heads=SHAPE.heads,
        intermediate_size=SHAPE.intermediate_size,
        max_position_embeddings=SHAPE.max_positions,
        layer_norm_eps=1e-3,  # so large that it matters
        pad_token_id=0,
    )
    return larger(kind(config))


def xlmr(kind=transformers.XLMRobertaForMaskedLM):
    torch.manual_seed(2)
    config = transformers.XLMRobertaConfig(
        vocab_size=100,
        hidden_size=SHAPE.hidden_size,
        num_hidden_layers=SHAPE.layers,
        num_attention_heads=SHAPE.heads,
        intermediate_size=SHAPE.intermediate_size,
        max_position_embeddings=SHAPE.max_positions + 1,
        type_vocab_size=1,
        layer_norm_eps=1e-3,
        pad_token_id=0,
    )
    return larger(kind(config))


def larger(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5 if parameter.dim() > 1 else 1).add_(0.1)
    return model.eval()


def taken(model, folder, **settings):
    """VECO with the weights of a model, as a run starts from them; and what stayed new."""
    model.save_pretrained(folder)
    shape = from_checkpoint.shape_of(folder, veco.SAVED)
    torch.manual_seed(3)
    ours = veco.build(shape, tiny.tokenizer(), **settings)
    new = from_checkpoint.copy_weights(ours, folder)
    assert shape == SHAPE.model_copy(update={"dropout": shape.dropout})
    return ours.eval(), new


@pytest.mark.parametrize("made", [bert, xlmr])
def test_a_masked_language_model_is_taken_with_its_head(tmp_path, made):
    theirs = made()
    ours, new = taken(theirs, tmp_path)
    assert new and all("cross_attention" in name for name in new)
    with torch.no_grad():
        expected = theirs(IDS, attention_mask=MASK).logits[MASK == 1]
        found = ours.lm_head(ours.roberta(IDS, MASK).last_hidden_state)[MASK == 1]
        out = ours.plug_out().eval()(IDS, attention_mask=MASK).logits[MASK == 1]
    assert torch.allclose(found[:, :100], expected, atol=1e-5)
    assert torch.allclose(out, expected, atol=1e-5), "and plugged out it is transformers' XLM-R"


@pytest.mark.parametrize("made", [bert, xlmr])
def test_an_encoder_alone_leaves_the_head_new(tmp_path, made):
    theirs = made(transformers.BertModel if made is bert else transformers.XLMRobertaModel)
    ours, new = taken(theirs, tmp_path)
    assert {name.partition(".")[0] for name in new if "cross_attention" not in name} == {"lm_head"}
    with torch.no_grad():
        expected, found = (encoder(IDS, MASK).last_hidden_state[MASK == 1] for encoder in (theirs, ours.roberta))
    assert torch.allclose(found, expected, atol=1e-5)


def test_rows_that_no_token_has_are_left_out(tmp_path):
    """The embedded multilingual encoder has 35 rows more than its tokenizer has pieces."""
    theirs = bert(transformers.BertModel, vocabulary=135)
    ours, _ = taken(theirs, tmp_path)
    assert torch.equal(ours.get_input_embeddings().weight[:100], theirs.embeddings.word_embeddings.weight[:100])
    assert not ours.get_input_embeddings().weight[100:].any()


def test_a_cross_attention_may_begin_as_a_copy_of_self_attention(tmp_path):
    copied, new = taken(xlmr(), tmp_path, cross_start="copied")
    assert new == []
    for layer in copied.roberta.encoder.layer:
        own = layer.attention.state_dict()
        assert all(torch.equal(value, own[name]) for name, value in layer.cross_attention.state_dict().items())
    fresh, _ = taken(xlmr(), tmp_path)
    assert fresh.roberta.encoder.layer[0].cross_attention.self.key.weight.std() < 0.05


def test_a_trained_cross_attention_is_never_overwritten_by_a_copy(tmp_path):
    first = pairs.model().float()
    second, new = taken(first.plain(), tmp_path, cross_start="copied")
    assert new == []
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name][: first.tokens], value[: first.tokens]), name


def test_another_kind_of_encoder_is_refused_with_those_that_can_be_taken(tmp_path):
    transformers.RobertaModel(transformers.RobertaConfig(hidden_size=16, num_attention_heads=2)).save_pretrained(
        tmp_path
    )
    with pytest.raises(UserError, match="a roberta model, and this objective trains xlm-roberta") as caught:
        from_checkpoint.shape_of(tmp_path, veco.SAVED)
    assert "of kind xlm-roberta or bert," in caught.value.remedy


def test_a_wider_encoder_is_refused_weight_by_weight(tmp_path):
    mlm.build(SHAPE.model_copy(update={"intermediate_size": 32}), tiny.tokenizer()).plain().save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"intermediate.dense.weight: \(32, 16\) in the checkpoint, \(24, 16\)"):
        from_checkpoint.copy_weights(veco.build(SHAPE, tiny.tokenizer()), tmp_path)
