"""Proves that VECO's encoder is XLM-R's without its cross-attention, that with it each side sees the other as the
equations say, and that its sizes are those that are known."""

from __future__ import annotations

import copy

import pytest
import torch
import transformers

from scriptorium.models import veco
from scriptorium.models.positions import longest_input
from tests import tiny
from tests import veco as pairs


@pytest.fixture(scope="module")
def model():
    return pairs.model().eval()


@pytest.fixture(scope="module")
def encoder(model):
    return model.roberta


def text(size: int, seed: int, padding: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids [1, size + padding] of random words, and their mask."""
    ids = torch.randint(5, 100, (1, size), generator=torch.Generator().manual_seed(seed))
    mask = torch.ones_like(ids)
    return torch.nn.functional.pad(ids, (0, padding)), torch.nn.functional.pad(mask, (0, padding))


X, Y = text(9, 1), text(6, 2)
WIDTH = pairs.SHAPE.hidden_size


def streams(encoder, x=X, y=Y):
    """H and S of x, and of y."""
    with torch.no_grad():
        of_x, of_y = encoder.plug_in(*x, *y)
    return of_x[..., :WIDTH], of_x[..., WIDTH:], of_y[..., :WIDTH], of_y[..., WIDTH:]


def test_both_streams_equal_the_equations(model, encoder):
    equations = pairs.Equations(model)
    h_x, s_x, h_y, s_y = streams(encoder)
    expected_x, expected_y = equations.h(X[0][0]), equations.h(Y[0][0])
    for found, expected in (
        (h_x, expected_x),
        (h_y, expected_y),
        (s_x, equations.s(X[0][0], expected_y)),
        (s_y, equations.s(Y[0][0], expected_x)),
    ):
        assert torch.allclose(found[0], expected, atol=1e-12)


def test_s_changes_when_the_other_side_changes_and_h_does_not(encoder):
    before, after = streams(encoder), streams(encoder, y=text(6, 3))
    assert torch.equal(before[0], after[0])
    assert (before[1] - after[1]).abs().amax(-1).min() > 1e-3, "every token of x sees y"


def test_padding_of_one_side_never_changes_the_other(encoder):
    before = streams(encoder)
    after = streams(encoder, y=text(6, 2, padding=5))
    assert torch.allclose(before[1], after[1], atol=1e-12)
    for number in (2, 3):
        assert torch.allclose(before[number], after[number][:, :6], atol=1e-12)


def test_an_exchanged_pair_has_exchanged_features(encoder):
    with torch.no_grad():
        one, other = encoder.plug_in(*X, *Y), encoder.plug_in(*Y, *X)
    assert torch.equal(one[0], other[1]) and torch.equal(one[1], other[0])


def test_a_silent_cross_attention_still_normalises(encoder):
    """Its output projection is 0, so v = LN_ca(u), not u: S differs from H, and the other side is not seen."""
    silent = copy.deepcopy(encoder)
    for layer in silent.encoder.layer:
        torch.nn.init.zeros_(layer.cross_attention.output.dense.weight)
        torch.nn.init.zeros_(layer.cross_attention.output.dense.bias)
    h_x, s_x, *_ = streams(silent)
    assert (h_x - s_x).abs().max() > 0.1
    assert torch.equal(s_x, streams(silent, y=text(4, 9))[1])
    hidden = silent.embeddings(X[0])
    layer = silent.encoder.layer[0]
    with torch.no_grad():
        u, _ = layer.attention(hidden)
        expected = layer.feed_forward_chunk(layer.cross_attention.output.LayerNorm(u))
        found = layer(hidden, None, silent(*Y).last_hidden_state)
    assert torch.allclose(found, expected, atol=1e-12)


def test_plug_out_of_a_plug_in_model_is_a_model_without_cross_attention():
    """The same seed gives both the same weights, and dropout goes on from the same random state."""
    states, random = {}, {}
    for plug_in in (True, False):
        torch.manual_seed(3)
        made = veco.build(pairs.SHAPE, tiny.tokenizer(), plug_in=plug_in)
        states[plug_in], random[plug_in] = made.plug_out().state_dict(), torch.get_rng_state()
        assert any("cross_attention" in name for name in made.state_dict()) == plug_in
    assert states[True].keys() == states[False].keys()
    assert all(torch.equal(value, states[False][name]) for name, value in states[True].items())
    assert torch.equal(random[True], random[False])


@pytest.mark.parametrize("plug_in", [True, False])
def test_plug_out_is_transformers_xlmr(tmp_path, plug_in):
    """Saved and read by transformers' own classes: hidden states and logits to 1e-5, with padding."""
    model = pairs.model(plug_in=plug_in).float().eval()
    model.plug_out().save_pretrained(tmp_path)
    whole, info = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert type(whole) is transformers.XLMRobertaForMaskedLM and not any(info[name] for name in info)
    ids, mask = (torch.cat(each) for each in zip(text(9, 1), text(6, 2, padding=3), strict=True))
    with torch.no_grad():
        expected, found = whole(ids, attention_mask=mask), model.roberta(ids, attention_mask=mask).last_hidden_state
        hidden = whole.roberta(ids, attention_mask=mask).last_hidden_state
        logits = model.lm_head(found)
    assert torch.allclose(found[mask == 1], hidden[mask == 1], atol=1e-5)
    assert torch.allclose(logits[mask == 1][:, :100], expected.logits[mask == 1], atol=1e-5)


def test_all_layers_are_told_as_transformers_does(model, encoder):
    ids, mask = X
    whole = model.plug_out().double().eval().roberta
    with torch.no_grad():
        found = encoder(ids, mask, output_hidden_states=True).hidden_states
        expected = whole(ids, mask, output_hidden_states=True).hidden_states
    assert len(found) == len(expected) == pairs.SHAPE.layers + 1
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, expected, strict=True))


def test_a_saved_model_comes_back_with_its_cross_attentions(tmp_path):
    model = pairs.model().float().eval()
    model.plain().save_pretrained(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    back, info = veco.VecoForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info[name] for name in info)
    assert len(back.get_input_embeddings().weight) == 100, "without the vocabulary's padding"
    for name, value in back.state_dict().items():
        assert torch.equal(value, model.state_dict()[name][: len(value)]), name
    encoder = veco.VecoModel.from_pretrained(tmp_path).eval()
    assert all(torch.equal(a, b) for a, b in zip(streams(encoder), streams(model.roberta), strict=True))
    assert longest_input(encoder.config) == pairs.SHAPE.max_positions


@pytest.mark.parametrize(
    "kind",
    ["MaskedLM", "SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice"],
)
def test_whatever_reads_xlmr_reads_a_saved_model_plugged_out(tmp_path, kind):
    model = pairs.model().float().eval()
    model.plain().save_pretrained(tmp_path)
    auto = getattr(transformers, f"AutoModelFor{kind}")
    read, info = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert type(read) is getattr(transformers, f"XLMRobertaFor{kind}")
    assert any("cross_attention" in name for name in info["unexpected_keys"])
    assert all(name.startswith(("classifier", "qa_outputs", "roberta.pooler")) for name in info["missing_keys"])
    with torch.no_grad():
        found, expected = (encoder(*X).last_hidden_state for encoder in (read.eval().roberta, model.roberta))
    assert torch.allclose(found, expected, atol=1e-5)


LARGE = {
    "vocab_size": 250_002,
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}


def test_sizes_are_the_known_totals():
    """docs/papers/veco.md section 2.6, in millions to two digits; nothing is allocated."""
    with torch.device("meta"):
        out = veco.VecoModel(veco.VecoConfig(**LARGE, plug_in=False), add_pooling_layer=False)
        plugged = veco.VecoModel(veco.VecoConfig(**LARGE))
        whole = veco.VecoForMaskedLM(veco.VecoConfig(**LARGE))
    pooler = sum(parameter.numel() for parameter in plugged.pooler.parameters())
    assert out.num_parameters() == 558_840_832 and round(out.num_parameters() / 1e6, 2) == 558.84
    assert round((plugged.num_parameters() - pooler) / 1e6, 2) == 659.65
    assert round((whole.num_parameters() + pooler) / 1e6, 2) == 662.00
