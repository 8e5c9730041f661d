"""Proves that VECO 2.0's contrasts are the equations of docs/veco2.md, forward and backward, against plain loops in
float64; that a term is switched off by its weight; and what the slow encoder and the queue hold."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from scriptorium.engine import flops
from scriptorium.errors import UserError
from scriptorium.models.veco2 import sequence_contrast, texts, token_contrast
from scriptorium.objectives.spec import ObjectiveSpec
from tests import veco as pairs
from tests import veco2

SIZES, LENGTH = [[(6, 5), (6, 7)], [(9, 5)]], 14
ALONE = {"mlm": 0, "tlm": 0}


def batch(**changes):
    return veco2.batch(SIZES, LENGTH, **changes)


def cosine(one, other):
    return (one @ other) / (one @ one).sqrt() / (other @ other).sqrt()


SEQUENCE = sequence_contrast.Sequence("mean", "none", True, 0.5, 0.0, 3, True, 0, 0.9, False)


@pytest.mark.parametrize(
    ("changes", "queue"),
    [
        ({}, 0),
        ({"margin": 0.3}, 4),
        ({"in_batch": False, "temperature": 0.25}, 5),
        ({"normalised": False, "margin": 0.1, "temperature": 2.0}, 3),
    ],
)
def test_the_sequence_contrast_is_infonce_both_ways(changes, queue):
    """Forward and backward in float64; two of the five pairs are another process's."""
    how, generator = replace(SEQUENCE, **changes), torch.Generator().manual_seed(1)
    raw = torch.randn(2, 5, 6, dtype=torch.float64, generator=generator)
    extra = torch.randn(2, queue, 6, dtype=torch.float64, generator=generator)
    found = []
    for by_hand in (False, True):
        given = raw.clone().requires_grad_()
        own, keys = given[:, 1:4], given
        queues = tuple(how.finished(extra)) if queue else None
        if by_hand:
            loss = sum(one_way(given, side, pair, how, queues) for side in (0, 1) for pair in (1, 2, 3)) / 6
        else:
            loss, share = sequence_contrast.contrast(how.finished(own), how.finished(keys), 1, how, queues)
            assert loss.shape == share.shape == (3,) and set(share.tolist()) <= {0.0, 0.5, 1.0}
            loss = loss.mean()
        loss.backward()
        found.append((loss.item(), given.grad))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-12)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-12) and found[1][1].abs().max() > 1e-3


def one_way(given, side, pair, how, queues):
    """-log of the share of the translation, for one text."""

    def similarity(one, other):
        return cosine(one, other) if how.normalised else one @ other

    own = given[side, pair]
    right = ((similarity(own, given[1 - side, pair]) - how.margin) / how.temperature).exp()
    others = [given[1 - side, each] for each in range(5) if each != pair] if how.in_batch else []
    others += list(queues[1 - side]) if queues else []
    return -(right / (right + sum((similarity(own, each) / how.temperature).exp() for each in others))).log()


@pytest.mark.parametrize("negatives", ["others", "unpaired"])
def test_the_token_contrast_is_infonce_within_each_pair(negatives):
    how = token_contrast.Token(0.3, negatives, 1)
    given = batch()
    states = torch.randn(2, 2, LENGTH, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    words, links = given["words"].clone(), given["links"].clone()
    words[0, 0, 3] = words[0, 0, 2]  # a word of two pieces
    words[0, 0, words[0, 0] > 2] -= 1
    links[0, 1] = torch.tensor([0, 1])  # a word with two synonyms
    links[0, 2] = torch.tensor([int(words[0, 0, 8]), int(words[0, 1, 7])])
    links[0, 3] = -1
    found = []
    for by_hand in (False, True):
        leaf = states.clone().requires_grad_()
        if by_hand:
            losses = [
                pair_by_hand(leaf, given["document_ids"], words, links, block, pair, how) for block, pair in PAIRS
            ]
            loss = sum(losses) / len(losses)
        else:
            each, share, blocks = token_contrast.contrast(leaf, given["document_ids"], words, links, how)
            assert blocks.tolist() == [0, 0, 1] and ((share >= 0) & (share <= 1)).all()
            loss = each.mean()
        loss.backward()
        found.append((loss.item(), leaf.grad))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-12) and found[1][0] > 0.1
    assert torch.allclose(found[0][1], found[1][1], atol=1e-12)
    ordinary = words >= 0
    assert not found[0][1][~ordinary].any(), "specials and padding have no part in it"


PAIRS = [(0, 0), (0, 1), (1, 0)]


def pair_by_hand(states, documents, words, links, block, pair, how):
    own = []  # of each side {word: mean state}
    for side in (0, 1):
        here = (documents[block, side] == pair) & (words[block, side] >= 0)
        numbers = sorted(set(words[block, side, here].tolist()))
        own.append({number: states[block, side, words[block, side] == number].mean(0) for number in numbers})
    linked = [tuple(link.tolist()) for link in links[block] if int(link[0]) in own[0]]
    losses = []
    for i, j in linked:
        for side, word, right in ((0, i, j), (1, j, i)):
            is_linked = lambda k, side=side, word=word: ((word, k) if side == 0 else (k, word)) in linked  # noqa: E731
            some = {link[1 - side] for link in linked}
            others = [k for k in own[1 - side] if not is_linked(k) and not (how.negatives == "unpaired" and k in some)]
            score = lambda k, side=side, word=word: (  # noqa: E731
                cosine(own[side][word], own[1 - side][k]) / how.temperature
            ).exp()
            losses.append(-(score(right) / (score(right) + sum(map(score, others)))).log())
    return sum(losses) / len(losses)


def test_without_links_or_without_words_the_token_contrast_is_zero_and_has_gradients():
    for change in ({"links": torch.full((2, 3, 2), -1)}, {"links": torch.zeros(2, 0, 2).long()}):
        for words in (batch()["words"], torch.full_like(batch()["words"], -1)):
            model = veco2.model(weights=ALONE | {"sequence": 0})
            loss = model(**batch() | change | {"words": words})["loss"]
            loss.backward()
            assert loss.item() == 0
            assert all(not each.grad.any() for each in model.parameters() if each.grad is not None)


def test_a_word_whose_every_other_word_is_a_synonym_has_no_negatives_and_no_loss():
    given = veco2.batch([[(4, 4)]], 4)
    given["links"] = torch.tensor([[[0, 0], [0, 1], [1, 0], [1, 1]]])
    how, states = token_contrast.Token(0.1, "others", 1), torch.randn(1, 2, 4, 6)
    loss, share, _ = token_contrast.contrast(states, given["document_ids"], given["words"], given["links"], how)
    assert loss.item() == 0 and share.item() == 1


def test_vectors_are_those_of_texts_read_alone():
    """By the equations of tests/veco.py, one text at a time; the first state, or the mean with special tokens."""
    model, given = veco2.model(), batch()
    equations = pairs.Equations(model)
    states = texts.read(model.roberta, given["input_ids"], given["document_ids"], {3})[3]
    found = texts.texts_of(given["document_ids"])
    assert len(found) == 3 and found.blocks.tolist() == [0, 0, 1]
    for side in (0, 1):
        expected = []
        for block, pair in PAIRS:
            ids = given["input_ids"][block, side][given["document_ids"][block, side] == pair]
            expected.append(equations.h(ids))
        assert torch.allclose(found.pooled(states, "mean")[side], torch.stack([each.mean(0) for each in expected]))
        assert torch.allclose(found.pooled(states, "first")[side], torch.stack([each[0] for each in expected]))


@pytest.mark.parametrize("layer", [0, 1, 3])
@pytest.mark.parametrize("reads", ["masked", "clean"])
def test_contrasts_read_the_layer_and_the_input_that_they_say(layer, reads):
    model = veco2.model(reads=reads, sequence={"layer": layer}, token={"layer": layer}, weights={"tlm": 0})
    given = batch()
    plain = veco2.model(weights={"sequence": 0, "token": 0, "tlm": 0})
    ids = given["input_ids"]
    if reads == "clean":
        ids = texts.restored(ids, given["positions"], given["labels"])
        real = given["labels"].view(given["positions"].shape) != -100
        assert torch.equal(ids.gather(-1, given["positions"])[real], given["labels"][given["labels"] != -100])
        assert (ids != given["input_ids"]).sum() <= real.sum()
    states = texts.read(plain.roberta, ids, given["document_ids"], {layer})[layer]
    own = model.sequence.finished(texts.texts_of(given["document_ids"]).pooled(states, "mean"))
    sequence = sequence_contrast.contrast(own, own, 0, model.sequence)[0].mean()
    arguments = states, given["document_ids"], given["words"], given["links"]
    expected = plain(**given)["loss"] + sequence + token_contrast.contrast(*arguments, model.token)[0].mean()
    assert model(**given)["loss"].item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("removed", ["mlm", "tlm", "sequence", "token"])
def test_a_term_is_a_summand_with_its_weight_and_weight_0_removes_it(removed):
    given, weights = batch(), {"mlm": 0.5, "tlm": 2.0, "sequence": 3.0, "token": 0.25}
    whole = veco2.model(weights=weights)(**given)["loss"]
    without = veco2.model(weights=weights | {removed: 0})
    alone = veco2.model(weights=dict.fromkeys(weights, 0) | {removed: weights[removed]})
    parts = [model(**given)["loss"] for model in (without, alone)]
    assert min(part.item() for part in parts) > 0.01
    assert whole.item() == pytest.approx(sum(part.item() for part in parts), abs=1e-5)


def test_removing_the_contrasts_leaves_the_gradients_of_mmlm_and_tlm():
    given = batch()
    model = veco2.model(weights={"sequence": 0, "token": 0}, sequence={"projection": "mlp", "queue": 8})
    assert model.momentum is None
    model(**given)["loss"].backward()
    plain = model.plain().double().train()
    plain(**{name: value for name, value in given.items() if name not in ("words", "links")})["loss"].backward()
    theirs = dict(plain.roberta.named_parameters())
    for name, parameter in model.roberta.named_parameters():
        size = len(theirs[name])
        assert torch.allclose(parameter.grad[:size], theirs[name].grad, atol=1e-9), name


def test_one_step_of_the_token_term_draws_synonyms_together_and_others_apart():
    given = veco2.batch([[(8, 8)], [(8, 8)]], 8, seed=4)
    model = veco2.model(weights=ALONE | {"sequence": 0}, reads="clean")

    def similarities():
        with torch.no_grad():
            ids = texts.restored(given["input_ids"], given["positions"], given["labels"])
            states = texts.read(model.roberta, ids, given["document_ids"], {3})[3]
            x, y = (torch.nn.functional.normalize(states[:, side, 1:7], dim=-1) for side in (0, 1))
            scores = x @ y.transpose(1, 2)  # [2, 6, 6]; 0-0 and 1-1 are linked
        linked = scores[:, [0, 1], [0, 1]]
        return linked.mean().item(), scores[:, :2, 2:].mean().item()

    before = similarities()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    model(**given)["loss"].backward()
    optimizer.step()
    after = similarities()
    assert after[0] > before[0] + 1e-4 and after[1] < before[1] - 1e-4


def test_monolingual_blocks_have_no_contrast():
    given = batch(bilingual=[0, 0])
    model, plain = veco2.model(), veco2.model(weights={"sequence": 0, "token": 0})
    assert model(**given)["loss"].item() == plain(**given)["loss"].item()
    alone = veco2.model(weights=ALONE)(**given)["loss"]
    alone.backward()
    assert alone.item() == 0


def test_the_queue_waits_until_it_is_full_and_holds_the_latest_vectors_of_the_slow_encoder():
    settings = {"queue": 4, "momentum": 0.5, "in_batch": False}
    model, given = veco2.model(weights=ALONE | {"token": 0}, sequence=settings), batch()
    slow = {name: value.clone() for name, value in model.roberta.state_dict().items()}
    held = torch.zeros(2, 0, 16, dtype=torch.float64)
    for step, waits in enumerate([True, True, False]):
        loss = model(**given)["loss"]
        assert (loss.item() == 0) == waits
        if step:  # the first time it is a copy
            slow = {name: value.lerp(model.roberta.state_dict()[name], 0.5) for name, value in slow.items()}
        expected = model.momentum.encoder.state_dict()
        assert all(torch.allclose(value, expected[name]) for name, value in slow.items())
        states = texts.read(model.momentum.encoder, given["input_ids"], given["document_ids"], {3})[3]
        keys = model.sequence.finished(texts.texts_of(given["document_ids"]).pooled(states, "mean"))
        held = torch.cat([held, keys], 1)[:, -4:].detach()
        queue = torch.stack([model.momentum.negatives(side) for side in (0, 1)])
        assert queue.shape[1] == min(4, 3 * (step + 1))
        assert {tuple(row) for row in queue[1].round(decimals=6).tolist()} == {
            tuple(row) for row in held[1].round(decimals=6).tolist()
        }
        with torch.no_grad():  # the encoder moves, the slow one follows
            for parameter in model.roberta.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    assert all(not each.requires_grad for each in model.momentum.parameters())


def test_a_queue_without_waiting_counts_what_is_in_it():
    model = veco2.model(weights=ALONE | {"token": 0}, sequence={"queue": 8, "in_batch": False, "waits": False})
    assert model(**batch())["loss"].item() == 0, "nothing is in it"
    assert model(**batch(seed=1))["loss"].item() > 0.1


def test_models_with_and_without_contrasts_begin_alike():
    """Weights, and what dropout draws next."""
    states = []
    for paired in ({}, {"sequence": {"projection": "mlp", "queue": 8}}, {"weights": {"sequence": 0, "token": 0}}):
        states.append((veco2.model(**paired).plain().state_dict(), torch.rand(3)))
    for weights, drawn in states[1:]:
        assert torch.equal(drawn, states[0][1])
        assert weights.keys() == states[0][0].keys()
        assert all(torch.equal(value, states[0][0][name]) for name, value in weights.items())


def test_evaluation_tells_sums_by_block_and_candidates_are_the_batchs():
    given = batch(bilingual=[1, 0])
    for paired in ({}, {"sequence": {"queue": 8}}, {"weights": {"sequence": 0}}):
        model = veco2.model(**paired)
        with torch.no_grad():
            found = model.eval()(**given)["contrast"]
        assert found.shape == (2, 2, 3) and not found[1].any()
        assert found[0, :, 2].tolist() == [2, 2] and found[0, 0, 0] > 0
    model = veco2.model(weights={"sequence": 0}, sequence={"projection": "linear"}).eval()
    assert not model(**given)["contrast"][:, 0].any(), "a projection that is not trained tells nothing"


@pytest.mark.parametrize(
    "paired",
    [
        {},
        {"reads": "clean", "sequence": {"layer": 1}, "token": {"layer": 2}},
        {"weights": {"mlm": 0, "tlm": 0}, "sequence": {"projection": "mlp"}},
        {"weights": {"token": 0}, "sequence": {"queue": 6, "layer": 2, "projection": "linear"}},
        {"sequence": {"in_batch": False, "queue": 3}},
        {"weights": {"sequence": 0}},
    ],
)
def test_the_closed_form_of_a_step_equals_torchs_counter(paired):
    model, given = veco2.model(**paired).float(), batch(bilingual=[1, 0])
    for _ in range(4):  # a queue is full then
        model(**given)
    assert flops.of(model, given) == pytest.approx(flops.counted(model, given), rel=1e-9)
    mono = batch(bilingual=[0, 0])
    if model.terms:
        assert flops.of(model, mono) == flops.counted(model, mono)


@pytest.mark.parametrize(
    ("paired", "message"),
    [
        ({"sequence": {"temperature": 0}}, "temperature"),
        ({"token": {"temperature": 0}}, "temperature"),
        ({"sequence": {"in_batch": False}}, "no negatives"),
        ({"weights": {"mlm": 0, "tlm": 0, "sequence": 0, "token": 0}}, "all four are 0"),
        ({"weights": {"ca": 1}}, "ca"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_anything_runs(paired, message):
    with pytest.raises(UserError, match=message):
        ObjectiveSpec.parse({"name": "veco2", "paired": paired})


def test_a_layer_that_is_not_there_and_a_queue_smaller_than_a_batch_are_refused():
    spec = ObjectiveSpec.parse({"name": "veco2", "paired": {"token": {"layer": 4}, "sequence": {"queue": 15}}})
    with pytest.raises(ValueError, match=r"paired.token.layer: 4 of an encoder of 3 layers"):
        spec.check_layers(3)
    with pytest.raises(ValueError, match="15 texts are fewer than a batch has, at least 16"):
        spec.check_batch(16)
    spec.check_batch(15), spec.check_layers(4)
    with pytest.raises(UserError, match="4 of an encoder of 3 layers"):
        veco2.model(token={"layer": 4})
    assert math.isfinite(veco2.model(token={"layer": 3})(**batch())["loss"].item())
