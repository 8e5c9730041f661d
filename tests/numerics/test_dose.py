"""A dose makes the fusion act from the start, changes nothing where features are zero, and reaches the fusion alone."""

from __future__ import annotations

import copy

import pytest
import torch
import transformers
from transformers import AutoModelForSequenceClassification

from scriptorium.cognition.model import CognitionForSequenceClassification, fusion_parameters
from scriptorium.cognition.spec import CognitionSpec, Dose
from scriptorium.engine.trainer import PlannedTrainer
from scriptorium.errors import UserError
from tests.numerics.test_cognition import batch, features, plain_model, zero

__all__ = ["batch", "features"]  # fixtures
STRONG = Dose(gain=16, rate=100, gate=0.9)


def dosed(plain: transformers.PreTrainedModel, dose: Dose | None = STRONG, **settings):
    torch.manual_seed(3)
    return CognitionForSequenceClassification.wrap(copy.deepcopy(plain), boundary=2, dose=dose, **settings).eval()


@pytest.mark.parametrize("flags", [{}, {"kernel": 3}])
@pytest.mark.parametrize("scale", [None, [3.0] * 8])
def test_with_zero_features_any_dose_is_the_plain_encoder(batch, features, flags, scale):
    plain = plain_model()
    model = dosed(plain, flags=flags, scale=scale)
    assert (model(**batch, **zero(features)).logits - plain(**batch).logits).abs().max() < 1e-5
    assert (model(**batch, **features).logits - plain(**batch).logits).abs().max() > 1e-3


def test_the_gain_is_what_a_score_of_one_adds_to_the_logits_before_alpha(batch, features):
    ones = {**features, "lower": (features["lower"] > 0).float()}
    out = dosed(plain_model(), Dose(gain=3.5))(**batch, **ones, output_attentions=True)
    # a token's weights are at most 1 and the largest is 1, so the largest contribution is the gain
    alpha = out.feature_weights[:, 0].mean(0)
    present = (ones["lower"] != 0).sum((0, 2))
    expected = (3.5 * out.feature_weights[:, 0, :, None] * ones["lower"]).sum((0, 2)) / present
    assert torch.allclose(out.contributions[0], expected, atol=1e-5)
    assert alpha.max() <= 1


def test_the_fused_norm_grows_with_the_gain_and_is_nothing_without(batch, features):
    norms = [
        dosed(plain_model(), Dose(gain=gain))(**batch, **features, output_attentions=True).fused_norms
        for gain in (0, 1, 8)
    ]
    assert norms[0].shape == (3,), "three layers are fused, the last one stays plain"
    assert norms[0].abs().max() < 1e-6
    assert (norms[1] > 1e-5).all()
    assert (norms[2] > norms[1]).all()


def test_a_scale_is_the_same_as_scaled_scores(batch, features):
    factors = torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 8])
    scaled = {
        **features,
        "lower": features["lower"] * factors[:4, None],
        "upper_scores": features["upper_scores"] * factors[4:, None],
    }
    ours = dosed(plain_model(), scale=factors.tolist())(**batch, **features).logits
    assert torch.equal(ours, dosed(plain_model())(**batch, **scaled).logits)


def test_dose_and_scale_are_saved_with_the_model(tmp_path, batch, features):
    model = dosed(plain_model(), scale=[1.5] * 8)
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    assert torch.equal(model(**batch, **features).logits, again(**batch, **features).logits)
    assert Dose(**again.config.dose) == STRONG


def groups(model: torch.nn.Module, folder, rates: dict[str, float]) -> list[dict]:
    arguments = transformers.TrainingArguments(str(folder), use_cpu=True, learning_rate=2e-4, report_to="none")
    trainer = PlannedTrainer(model=model, args=arguments)
    trainer.rates = rates
    return trainer.create_optimizer().param_groups


def test_the_rate_reaches_exactly_the_parameters_of_the_fusion(tmp_path):
    plain, model = plain_model(), dosed(plain_model())
    own = fusion_parameters(model)
    assert len(list(model.parameters())) == len(list(plain.parameters())) + len(own)
    made = groups(model, tmp_path, dict.fromkeys(own, 100.0))
    rates = {id(parameter): group["lr"] for group in made for parameter in group["params"]}
    for name, parameter in model.named_parameters():
        assert rates[id(parameter)] == pytest.approx(2e-2 if name in own else 2e-4), name
    assert sum(len(group["params"]) for group in made) == len(list(model.parameters()))


def test_a_rate_of_one_leaves_the_optimiser_as_it_was(tmp_path):
    model = dosed(plain_model())
    without, with_one = (groups(model, tmp_path, rates) for rates in ({}, dict.fromkeys(fusion_parameters(model), 1.0)))
    assert [[id(p) for p in group["params"]] for group in without] == [
        [id(p) for p in group["params"]] for group in with_one
    ]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"mode": "paper", "dose": {}}, "has no dose"),
        ({"mode": "released", "dose": {"gain": 1}}, "has no dose"),
        ({"flags": {"start": "random"}, "dose": {}}, "has no dose"),
        ({"dose": {"gain": -1}}, "gain"),
        ({"dose": {"rate": 0}}, "rate"),
        ({"dose": {"gate": 1}}, "gate"),
        ({"dose": {"gian": 1}}, "did you mean 'gain'"),
    ],
)
def test_a_wrong_dose_is_refused(settings, problem):
    with pytest.raises(UserError, match=problem):
        CognitionSpec.parse(settings, where="recipe")
