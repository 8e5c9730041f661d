"""Proves that each term of VECO's loss is that of the equations, pair by pair, and what does and does not change it."""

from __future__ import annotations

import pytest
import torch

from scriptorium.engine import flops
from scriptorium.models.spec import EncoderSpec
from scriptorium.models.veco.terms import CA, MLM, SIDES, TLM
from tests import veco as pairs

# two pairs in the first block, one in the second, and padding on both sides
SIZES, LENGTH = [[(5, 4), (6, 7)], [(9, 3)]], 13


@pytest.fixture(scope="module")
def model():
    return pairs.model()


def batch(**changes):
    return pairs.batch(SIZES, LENGTH, **{"bilingual": [1, 0], **changes})


def by_hand(model, given, *, restarted: bool = False) -> dict[str, torch.Tensor]:
    """Losses [B, 2, K] of every term by the equations, one pair and one prediction at a time."""
    equations = pairs.Equations(model)
    labels = given["labels"].view(given["positions"].shape)
    found = {name: torch.zeros(labels.shape, dtype=torch.float64) for name in SIDES}
    for block, (ids, owners) in enumerate(zip(given["input_ids"], given["document_ids"], strict=True)):
        for number in range(int(owners.max()) + 1):
            places = [(side == number).nonzero()[:, 0] for side in owners]
            texts = [side[where] for side, where in zip(ids, places, strict=True)]
            h = [equations.h(text) for text in texts]
            s = [equations.s(text, h[1 - side]) for side, text in enumerate(texts)]
            second = torch.arange(len(texts[1])) + (0 if restarted else len(texts[0]))
            joined = equations.h(torch.cat(texts), torch.cat([torch.arange(len(texts[0])), second]))
            joined = joined.split([len(text) for text in texts])
            for side in (0, 1):
                for slot, label in enumerate(labels[block, side].tolist()):
                    own = (places[side] == given["positions"][block, side, slot]).nonzero()
                    if label == -100 or not len(own):
                        continue
                    row = int(own[0, 0])
                    found[MLM][block, side, slot] = equations.loss(h[side][row], label)
                    found[CA][block, side, slot] = equations.loss(s[side][row], label)
                    if given["bilingual"][block]:
                        found[TLM][block, side, slot] = equations.loss(joined[side][row], label)
    return found


def test_every_term_equals_the_equations_in_float64(model):
    given = batch()
    found, expected = model.losses(**given), by_hand(model, given)
    for name in SIDES:
        assert (expected[name] > 0).any()
        assert torch.allclose(found[name][0].double(), expected[name], atol=2e-6), name  # logits are float32
    predictions = int((given["labels"] != -100).sum())
    total = sum(SIDES[name] * expected[name].sum() for name in SIDES) / predictions
    assert model(**given)["loss"].item() == pytest.approx(total.item(), abs=1e-5)


def test_positions_of_the_second_side_may_start_again():
    model, given = pairs.model(restarted=True), batch()
    found, expected = model.losses(**given)[TLM][0], by_hand(model, given, restarted=True)[TLM]
    assert torch.allclose(found.double(), expected, atol=2e-6)
    assert (expected - by_hand(model, given)[TLM]).abs().max() > 1e-3


def test_exchanged_sides_have_exchanged_terms(model):
    given = batch()
    exchanged = {name: value.flip(1) if value.dim() == 3 else value for name, value in given.items()}
    exchanged["labels"] = given["labels"].view(given["positions"].shape).flip(1).flatten(1)
    one, other = model.losses(**given), model.losses(**exchanged)
    for name in (MLM, CA):
        assert torch.allclose(one[name][0], other[name][0].flip(1), atol=1e-6), name
    assert (one[TLM][0] - other[TLM][0].flip(1)).abs().max() > 1e-3, "order matters where texts are joined"


def test_a_pair_is_not_changed_by_its_block(model):
    """Alone or beside another pair, with or without padding: the same losses in all terms."""
    sizes = [(5, 4), (6, 7)]
    together = pairs.batch([sizes], LENGTH, seed=3)
    found = model.losses(**together)
    for number in (0, 1):
        size = max(sizes[number])
        alone = {"input_ids": torch.zeros(1, 2, size, dtype=torch.long), "bilingual": torch.ones(1, dtype=torch.long)}
        alone["document_ids"] = torch.full_like(alone["input_ids"], -1)
        chosen = []
        for side in (0, 1):
            where = (together["document_ids"][0, side] == number).nonzero()[:, 0]
            alone["input_ids"][0, side, : len(where)] = together["input_ids"][0, side, where]
            alone["document_ids"][0, side, : len(where)] = 0
            places = together["positions"][0, side] - where[0]
            chosen.append((places >= 0) & (places < len(where)))
        chosen = torch.stack(chosen)[None] & (together["labels"].view(1, 2, -1) != -100)
        starts = torch.tensor([[(together["document_ids"][0, side] == number).nonzero()[0, 0]] for side in (0, 1)])
        alone["positions"] = torch.where(chosen, together["positions"] - starts, 0)
        alone["labels"] = torch.where(chosen, together["labels"].view(1, 2, -1), -100).flatten(1)
        for name, (losses, _) in model.losses(**alone).items():
            assert torch.allclose(losses[chosen], found[name][0][chosen], atol=1e-6), (number, name)


def test_each_token_may_be_predicted_by_one_stream():
    model, given = pairs.model(split=True), batch()
    expected = by_hand(model, given)
    by_s = given["streams"].view(given["positions"].shape) == 1
    predicted = given["labels"].view(by_s.shape) != -100
    assert (by_s & predicted).any() and (~by_s & predicted).any()
    found = {name: losses.double() for name, (losses, _) in model.losses(**given).items()}
    assert torch.allclose(found[MLM], expected[MLM] * ~by_s, atol=2e-6)
    assert torch.allclose(found[CA], expected[CA] * by_s, atol=2e-6)
    assert torch.allclose(found[TLM], expected[TLM], atol=2e-6)
    model.eval()
    found = {name: losses.double() for name, (losses, _) in model.losses(**given).items()}
    assert all(torch.allclose(found[name], expected[name], atol=2e-6) for name in SIDES), "held out: both, of all"


@pytest.mark.parametrize(
    ("weights", "computed"),
    [
        ({"ca": 0.0}, {MLM, TLM}),
        ({"ca": 0.0, "tlm": 0.0}, {MLM}),
        ({"tlm": 0.0}, {MLM, CA}),
        ({"mlm": 0.0, "tlm": 0.0}, {CA}),
        ({"mlm": 0.0, "ca": 0.0}, {TLM}),
        ({"mlm": 0.5, "tlm": 2.0}, {MLM, CA, TLM}),
    ],
)
def test_a_weight_scales_its_term_and_a_term_without_weight_is_not_computed(weights, computed):
    model, given = pairs.model(weights=weights, plug_in=weights.get("ca", 1) > 0), batch()
    reference = by_hand(pairs.model(), given)
    assert set(model.losses(**given)) == computed
    predictions = int((given["labels"] != -100).sum())
    total = sum(SIDES[name] * weights.get(name, 1.0) * reference[name].sum() for name in computed) / predictions
    assert model(**given)["loss"].item() == pytest.approx(total.item(), abs=1e-5)


@pytest.mark.parametrize("flows", [True, False])
def test_gradients_pass_through_the_other_sides_states_by_option(flows):
    """Key and value read them either way; only with the option does the encoder of y learn from x's predictions."""
    model, given = pairs.model(cross_gradient=flows), batch()
    memory = []
    original = model.roberta.through

    def watched(hidden, mask, *others, **named):
        states = original(hidden, mask, *others, **named)
        if not memory:  # the first pass is H
            states.retain_grad()
            memory.append(states)
        return states

    model.roberta.through = watched
    model.losses(**given)[CA][0][:, 0].sum().backward()
    (states,) = memory
    reached = None if states.grad is None else states.grad.unflatten(0, (-1, 2)).abs().sum((-1, -2))
    if flows:
        assert (reached[:, 1] > 1e-3).all() and not reached[:, 0].any(), "from x's predictions to y's states alone"
    else:
        assert reached is None or not reached.any()
    key = model.roberta.encoder.layer[0].cross_attention.self.key.weight
    assert key.grad.abs().max() > 1e-6


def test_micro_batches_give_the_same_step(model):
    """Weighted by their numbers of predictions, as the engine does, their gradients add up to that of the batch."""
    sizes = [[(5, 4), (6, 7)], [(9, 3)], [(2, 12)], [(13, 5)]]
    given = pairs.batch(sizes, LENGTH, seed=5, bilingual=[1, 1, 1, 1])
    total = (given["labels"] != -100).sum()
    model.zero_grad()
    model(**given)["loss"].backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    for rows in (slice(0, 1), slice(1, 4)):
        part = {name: value[rows] for name, value in given.items()}
        (model(**part)["loss"] * (part["labels"] != -100).sum() / total).backward()
    for name, parameter in model.named_parameters():
        assert torch.allclose(parameter.grad, expected[name], atol=1e-5 * expected[name].abs().max() + 1e-7), name
    model.zero_grad()


def test_the_padding_of_the_vocabulary_gets_no_gradient(model):
    model.zero_grad()
    model(**batch())["loss"].backward()
    gradient = model.get_input_embeddings().weight.grad
    assert gradient[:100].any() and not gradient[100:].any() and len(gradient) == 128
    model.zero_grad()


def test_monolingual_blocks_have_four_terms_and_no_fifth(model):
    given = batch(bilingual=[0, 0])
    found = model.losses(**given)
    assert not found[TLM][0].any() and found[CA][0].any()
    expected = by_hand(model, given)
    predictions = int((given["labels"] != -100).sum())
    total = 2 * (expected[MLM].sum() + expected[CA].sum()) / predictions
    assert model(**given)["loss"].item() == pytest.approx(total.item(), abs=1e-5)


def test_evaluation_tells_sums_by_block_term_and_side(model):
    given, expected = batch(), by_hand(model, batch())
    with torch.no_grad():
        found = model.eval()(**given)
    model.train()
    assert model.measured == (MLM, CA, TLM)
    for number, name in enumerate(model.measured):
        assert torch.allclose(found["term_losses"][:, number].double(), expected[name].sum(-1), atol=1e-5)
    assert torch.allclose(found["summed_loss"].double(), expected[MLM].sum((-1, -2)), atol=1e-5)
    assert torch.equal(found["predicted"], (given["labels"].view(2, 2, -1) != -100).sum(-1))
    assert (found["term_correct"] <= found["predicted"][:, None]).all()


@pytest.mark.parametrize(
    ("settings", "bilingual"),
    [
        ({}, [1, 0]),
        ({}, [0, 0]),
        ({"split": True}, [1, 1]),
        ({"weights": {"ca": 0.0}, "plug_in": False}, [1, 1]),
        ({"weights": {"mlm": 0.0, "tlm": 0.0}}, [1, 1]),
    ],
)
def test_the_closed_form_of_a_step_equals_torchs_counter(settings, bilingual):
    shape = EncoderSpec(hidden_size=16, layers=3, heads=2, intermediate_size=40, max_positions=40, dropout=0.1)
    model = pairs.model(shape=shape, **settings).float()
    given = batch(bilingual=bilingual)
    given["attention_mask"] = (given["document_ids"] >= 0).long()
    assert flops.of(model, given) == flops.counted(model, given) > 0
