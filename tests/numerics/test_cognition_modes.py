"""Readings of CogBERT: `released` computes what the public code does, defects included; `paper` and `fixed` do not."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import transformers
from transformers import AutoModelForTokenClassification

from scriptorium.cognition.fusion import CognitiveSelfAttention, FeatureWeights
from scriptorium.cognition.model import CognitionForSequenceClassification, CognitionForTokenClassification
from scriptorium.cognition.modes import FIXED, MODES, PAPER, RELEASED, resolved
from scriptorium.cognition.spec import CognitionSpec
from scriptorium.errors import UserError
from scriptorium.linguistics.features import LOWER
from tests.numerics.test_cognition import FAMILIES, LENGTH, SHAPE, awake, batch, features, plain_model

__all__ = ["batch", "features"]  # fixtures
READABILITY_START = 0.3


def cognitive(plain: transformers.PreTrainedModel, **settings) -> CognitionForSequenceClassification:
    torch.manual_seed(3)
    return CognitionForSequenceClassification.wrap(copy.deepcopy(plain), **{"boundary": 2, **settings}).eval()


def logits(model, batch, features) -> torch.Tensor:
    return model(**{n: v for n, v in batch.items() if n != "labels"}, **features).logits


def attentions(model, batch, features) -> tuple[torch.Tensor, ...]:
    return model(**batch, **features, output_attentions=True).attentions


def released_attention(layer: CognitiveSelfAttention, hidden, mask, features, low: bool) -> torch.Tensor:
    """docs/papers/cogbert.md sections 5.2 and 5.3 written out densely and independently: the mixed attention of one
    layer.
    """
    heads, size = layer.heads, layer.head_size

    def split(x):
        return x.view(*x.shape[:2], heads, size).transpose(1, 2)

    logits = split(layer.query(hidden)) @ split(layer.key(hidden)).transpose(2, 3) / math.sqrt(size)
    a = torch.tanh(features["readability"][:, None] * layer.weights.readability) + 1.5
    c = torch.tanh(hidden[:, 0] @ layer.weights.context.weight.T + layer.weights.context.bias) + 1.5
    p = 1 / (math.sqrt(2 * math.pi) * a * c)
    alpha = p / p.max(dim=1, keepdim=True).values  # [B, 8]: over all eight
    length = hidden.shape[1]
    added = torch.zeros(len(hidden), length, length)
    if low:
        for f in range(4):
            added[:, 0, 0] += layer.mix[f] * alpha[:, f] * features["lower"][:, f, 0]  # token 0 alone
        added += layer.bias * torch.eye(length)
    else:
        for f in range(2):
            spans, scores = features["upper_spans"][:, f], features["upper_scores"][:, f]
            same = (spans[:, :, None] == spans[:, None, :]) & (spans >= 0)[:, :, None]
            block = same * (scores[:, :, None] + scores[:, None, :]) / 2
            added += (layer.mix[f] * alpha[:, 4 + f])[:, None, None] * block
        position = torch.diag_embed(features["lower"][:, LOWER.index("word_position")])
        added += (layer.mix[2] + layer.mix[3]) * position  # both syntax features, without a weight
    scaled = logits * (0.5 + 0.5 * torch.tanh(added))[:, None] + mask
    gate = torch.sigmoid(layer.gate(hidden)).transpose(1, 2)[..., None]
    return gate * scaled.softmax(-1) + (1 - gate) * (logits + mask).softmax(-1)


@pytest.mark.parametrize("low", [True, False])
def test_released_computes_the_equations_of_the_public_code(batch, features, low):
    model = cognitive(plain_model(), mode="released", boundary=0)  # one low layer: the boundary is inclusive
    layer = model.cognitive_layers()[0 if low else 1]
    generator = torch.Generator().manual_seed(7)
    hidden = torch.randn(3, LENGTH, SHAPE["hidden_size"], generator=generator)
    mask = torch.zeros(3, 1, 1, LENGTH).masked_fill(batch["attention_mask"][:, None, None] == 0, -1e4)
    features["lower"][:, :, 0] = 0.7  # our own rule gives [CLS] nothing; here it must have something to show
    model(**batch, **features)  # sets the features
    layer.cognition.record = True
    layer(hidden, mask)
    assert torch.allclose(
        layer.cognition.attentions[-1], released_attention(layer, hidden, mask, features, low), atol=1e-6
    )


def test_released_has_the_parameter_counts_of_the_public_code():
    """Section 5.2: 605,989 new ones per layer and a gate of 9,228 at BERT-base's width, 599,820 without gradient."""
    config = transformers.BertConfig(
        hidden_size=768, num_attention_heads=12, num_hidden_layers=1, vocab_size=8, intermediate_size=8
    )
    plain = transformers.BertModel(config).encoder.layer[0].attention.self
    kept = sum(p.numel() for p in plain.parameters())
    counts = {
        level: sum(p.numel() for p in CognitiveSelfAttention(plain, 768, level, RELEASED).parameters()) - kept
        for level in ("lower", "upper")
    }
    # the public code gives every layer both convolutions; ours gives it the one that it uses: 5 or 4 parameters
    assert counts == {"lower": 605_989 + 9_228 - 4, "upper": 605_989 + 9_228 - 5}
    dead = CognitiveSelfAttention(plain, 768, "upper", RELEASED).scale
    assert sum(p.numel() for p in dead.parameters()) == 599_820


def test_released_loses_the_lower_features_of_all_tokens_but_the_first(batch, features):
    changed = {**features, "lower": features["lower"].clone()}
    changed["lower"][:, 0, 1:4] += 1  # word length of three tokens
    released, paper = (cognitive(plain_model(), mode=mode) for mode in ("released", "paper"))
    assert torch.equal(logits(released, batch, features), logits(released, batch, changed))
    assert not torch.allclose(logits(paper, batch, features), logits(paper, batch, changed), atol=1e-5)


def test_released_ignores_both_syntax_features(batch, features):
    changed = {**features, "upper_scores": features["upper_scores"].clone()}
    changed["upper_scores"][:, 2:] *= 3
    released, paper = (cognitive(plain_model(), mode=mode, boundary=0) for mode in ("released", "paper"))
    assert torch.equal(logits(released, batch, features), logits(released, batch, changed))
    assert not torch.allclose(logits(paper, batch, features), logits(paper, batch, changed), atol=1e-6)


def test_released_has_one_low_layer_more_than_the_boundary_says():
    levels = {
        mode: [layer.level for layer in cognitive(plain_model(), mode=mode, boundary=1).cognitive_layers()]
        for mode in MODES
    }
    assert levels["released"] == ["lower", "lower", "upper", "upper"]
    assert levels["paper"] == levels["fixed"] == ["lower", "upper", "upper", None]


def test_without_features_released_is_attention_at_temperature_two(batch, features):
    """Entries without a feature get S = 0.5 (5.3 no. 3): an open gate shows it."""
    nothing = {**features, "lower": 0 * features["lower"], "upper_scores": 0 * features["upper_scores"]}
    model = cognitive(plain_model(), mode="released", boundary=-1, flags={"inclusive": False})
    layer = model.cognitive_layers()[0]
    layer.gate.bias.data.fill_(1e4)
    hot = attentions(model, batch, nothing)[0]
    layer.gate.bias.data.fill_(-1e4)
    plain = attentions(model, batch, nothing)[0]
    valid = batch["attention_mask"][:, None, None, :].bool()
    expected = (plain.clamp(min=1e-30).log() / 2).masked_fill(~valid, -torch.inf).softmax(-1)
    assert torch.allclose(hot, expected, atol=1e-5)


def test_multiplied_logits_can_lower_the_attention_of_a_scored_word_added_ones_cannot(features):
    """5.3 no. 4, with its numbers: raising S from .5 to .9 lowers the first key's weight from .094 to .045."""
    logit = torch.tensor([-2.0, 1.0, 0.5, -1.0])
    weights = [(logit * torch.tensor([s, 0.5, 0.5, 0.5])).softmax(0)[0].item() for s in (0.5, 0.9)]
    assert weights == pytest.approx([0.094, 0.045], abs=1e-3)


@pytest.mark.parametrize("mode", ["paper", "fixed"])
@pytest.mark.parametrize("settings", [{}, {"layered": False}, {"flags": {"kernel": 3}}])
def test_paper_and_fixed_have_no_dead_weights(mode, settings, batch, features):
    torch.manual_seed(0)
    model = cognitive(plain_model(), mode=mode, **settings).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(2):
        optimiser.zero_grad()
        model(**batch, **features).loss.backward()
        optimiser.step()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_released_has_the_documented_dead_weights(batch, features):
    model = cognitive(plain_model(), mode="released").train()
    model(**batch, **features).loss.backward()
    dead = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name.split(".")[-3] for name in dead if ".scale." in name} == {"scale"}
    assert len([name for name in dead if ".scale." in name]) == 4 * SHAPE["num_hidden_layers"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_mode_saves_and_loads_on_every_encoder(mode, family, batch, features, tmp_path):
    model = cognitive(plain_model(family, pad_token_id=0) if family != "bert" else plain_model(), mode=mode)
    model.save_pretrained(tmp_path)
    again = CognitionForSequenceClassification.from_pretrained(tmp_path)
    assert again.config.mode == mode
    assert torch.equal(logits(again, batch, features), logits(model, batch, features))


@pytest.mark.parametrize("mode", MODES)
def test_padding_does_not_change_the_output_in_any_mode(mode, batch, features):
    model = awake(cognitive(plain_model(), mode=mode))
    inputs = {name: value for name, value in {**batch, **features}.items() if name != "labels"}
    expected = model(**inputs).logits[2:]
    alone = {n: v[2:, ..., :5] if v.ndim > 1 else v[2:] for n, v in inputs.items()}  # example 2 has 5 pieces
    assert torch.allclose(model(**alone).logits, expected, atol=1e-5)


def test_a_wide_kernel_leaves_specials_and_padding_without_a_map(batch, features):
    model = awake(cognitive(plain_model(), flags={"kernel": 3}))
    model(**batch, **features)
    for layer in model.cognitive_layers()[:3]:
        made, _ = layer.feature_map(torch.randn(3, LENGTH, SHAPE["hidden_size"]), layer.cognition)
        assert made.abs().max() > 0
        assert not made[:, 0, 0].any()
        assert not made[:, 0, :, 0].any()
        assert not made[2, 0, 5:].any()


def test_sampled_weights_vary_in_training_and_rest_in_evaluation():
    weights = FeatureWeights(8, sampled=True)
    first, readability = torch.randn(5, 8), torch.randn(5, 1)
    assert not torch.equal(weights(first, readability), weights(first, readability))
    weights.eval()
    assert torch.equal(weights(first, readability), weights(first, readability))


def test_where_features_are_not_layered_every_fused_layer_has_all_eight(batch, features):
    out = cognitive(plain_model(), layered=False)(**batch, **features, output_attentions=True)
    assert out.feature_weights.shape == (3, 3, 8)
    assert out.contributions.shape == (3, 8)


def token_model(family: str = "bert") -> transformers.PreTrainedModel:
    transformers.set_seed(0)
    return AutoModelForTokenClassification.from_config(FAMILIES[family](**{**SHAPE, "initializer_range": 0.2})).eval()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_head_is_the_plain_one_at_the_start_and_fuses_its_last_layer(family, batch, features, tmp_path):
    plain = token_model(family)
    model = CognitionForTokenClassification.wrap(copy.deepcopy(plain), boundary=2).eval()
    inputs = {n: v for n, v in batch.items() if n != "labels"}
    assert torch.allclose(model(**inputs, **features).logits, plain(**inputs).logits, atol=1e-5)
    assert model.cognitive_layers()[-1].level == "upper"
    awake(model).save_pretrained(tmp_path)
    again = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert type(again) is CognitionForTokenClassification
    assert torch.equal(again(**inputs, **features).logits, model(**inputs, **features).logits)


def test_a_mode_is_a_set_of_flags_and_a_single_flag_can_differ():
    assert resolved("fixed", {}) == FIXED
    assert resolved("paper", {}) == PAPER
    assert resolved("released", {"diagonal": "own"}) == RELEASED.model_copy(update={"diagonal": "own"})
    with pytest.raises(UserError, match="unknown key 'diagnal', did you mean 'diagonal'"):
        CognitionSpec.parse({"flags": {"diagnal": "own"}})


def test_the_modes_differ_where_section_10_says():
    differ = {name for name in FIXED.model_fields_set if getattr(PAPER, name) != getattr(RELEASED, name)}
    assert differ == {"diagonal", "syntax", "inclusive", "sampled", "weights_over", "dead_network", "last_layer"}
