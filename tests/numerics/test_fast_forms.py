"""Proves that what makes pre-training fast leaves its results alone: the last layer's rows, the masks of dropout, the
attention beside them, the padded vocabulary, and memory that is kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from scriptorium.bench.pretrain_original import original_form
from scriptorium.engine import memory
from scriptorium.models import attention, dropout, mlm
from scriptorium.models.mpnet import MODES, TwoStreamConfig, TwoStreamMPNet, lay_out
from scriptorium.models.spec import EncoderSpec
from tests import tiny
from tests.numerics.test_mpnet import labelled
from tests.numerics.test_mpnet_visibility import net

SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=48, max_positions=40, dropout=0.0)


@pytest.mark.parametrize("documents", [False, True])
@pytest.mark.parametrize("form", ["split", "dense"])
@pytest.mark.parametrize("mode", MODES)
def test_rows_that_are_asked_for_are_those_of_the_whole_mpnet(mode, form, documents):
    batch = labelled(documents=documents)
    model = net(mode, form=form)
    layout = lay_out(mode, *(batch[name] for name in ("input_ids", "positions", "revealed")), batch.get("document_ids"))
    rows = torch.cat([layout.predicted, torch.tensor([[0, 3, layout.ids.shape[1] - 1]] * 4)], 1)
    with torch.no_grad():
        whole, some = model.encode(layout), model.encode(layout, rows)
    assert torch.allclose(attention.pick(whole, rows), some, atol=1e-6)


def test_rows_that_are_asked_for_are_those_of_the_whole_bert():
    torch.manual_seed(0)
    model = mlm.build(SHAPE, tiny.tokenizer()).eval()
    ids, documents = torch.randint(5, 90, (3, 24)), torch.arange(24)[None].repeat(3, 1) // 7
    rows = torch.tensor([[5, 0], [23, 8], [7, 6]])
    with torch.no_grad():
        mask = documents[:, None, :, None] == documents[:, None, None, :]
        for owners, theirs in ((None, None), (documents, mask)):
            whole = model.bert(ids, attention_mask=theirs).last_hidden_state
            expected = model.cls(attention.pick(whole, rows))[..., : model.tokens]
            assert torch.allclose(model.predict(ids, rows, owners), expected, atol=1e-5)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_keeps_the_share_and_the_mean(rate):
    torch.manual_seed(0)
    count = 400_003  # not a multiple of the four numbers in a word
    found = dropout.noise(torch.Size([count]), rate)
    zeros = (found == 0).double().mean().item()
    assert zeros == pytest.approx(rate, abs=5 * math.sqrt(rate * (1 - rate) / count))
    assert found.max().item() == pytest.approx(1 / (1 - rate), rel=2e-5)
    assert len(found.unique()) == 2
    kept = (found > 0).double() - (1 - rate)  # neighbours know nothing of one another, also inside a word
    for shift in (1, 2, 3, 4, 5, 64):
        assert abs((kept[shift:] * kept[:-shift]).mean()) < 5 * rate * (1 - rate) / math.sqrt(count)


def test_dropout_repeats_with_torchs_seed_and_never_repeats_itself():
    shape = torch.Size([64, 33])
    torch.manual_seed(3)
    first, second = dropout.noise(shape, 0.3), dropout.noise(shape, 0.3)
    torch.manual_seed(3)
    assert torch.equal(dropout.noise(shape, 0.3), first)
    assert not torch.equal(first, second)


def test_dropout_layers_are_silent_in_evaluation_and_pass_gradients_where_they_keep():
    layer = dropout.Dropout(0.4)
    values = torch.ones(1000, requires_grad=True)
    assert torch.equal(layer.eval()(values), values)
    out = layer.train()(values)
    out.sum().backward()
    assert torch.equal(values.grad, out.detach()) and 0 < (out == 0).sum() < 1000


@pytest.mark.parametrize("masked", [False, True])
def test_attention_with_dropout_is_the_formula_with_the_same_noise(masked):
    torch.manual_seed(1)
    query, key, value = (torch.randn(2, 3, n, 8, dtype=torch.double) for n in (5, 7, 7))
    mask = attention.additive(torch.rand(2, 1, 5, 7) < 0.7, torch.double) if masked else None
    if masked:
        mask[0, 0, 2] = -math.inf  # a row that sees nothing
    torch.manual_seed(2)
    found = attention.attend(query, key, value, None if mask is None else mask.clone(), 0.25, blind=masked)
    torch.manual_seed(2)
    noise = dropout.noise(torch.Size([2, 3, 5, 7]), 0.25, torch.double)
    scores = query @ key.transpose(-2, -1) / math.sqrt(8) + (0 if mask is None else mask)
    expected = (scores.softmax(-1).nan_to_num(0) * noise) @ value
    assert torch.allclose(found, expected, atol=1e-12)
    assert not masked or found[0, :, 2].abs().max() == 0
    plain = attention.attend(query, key, value, mask, 0.0)
    assert torch.allclose(plain, scores.softmax(-1).nan_to_num(0) @ value, atol=1e-12)


def test_all_dropout_of_our_models_is_ours():
    models = [mlm.build(SHAPE, tiny.tokenizer()), net("mpnet")]
    for model in models:
        kinds = {type(module) for module in model.modules() if isinstance(module, torch.nn.Dropout)}
        assert kinds == {dropout.Dropout}


@pytest.mark.parametrize("documents", [False, True])
def test_original_form_of_the_bench_is_the_same_function(documents):
    batch, model = labelled(documents=documents), net("mpnet")  # in evaluation: no dropout
    found = {}
    for name, form in (("ours", lambda same: same), ("original", original_form)):
        model = form(model)
        model.zero_grad()
        loss = model(**batch)["loss"]
        loss.backward()
        found[name] = loss.item(), {key: p.grad.clone() for key, p in model.named_parameters() if p.grad is not None}
    (ours, our_gradients), (original, gradients) = found["ours"], found["original"]
    assert ours == pytest.approx(original, rel=1e-6)
    for key, gradient in gradients.items():
        assert torch.allclose(gradient, our_gradients[key], atol=1e-6), key


def test_original_form_draws_torchs_dropout():
    config = TwoStreamConfig(
        vocab_size=64,
        tokens=60,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=40,
    )
    model = original_form(TwoStreamMPNet(config))
    assert {type(m) for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {torch.nn.Dropout}


def test_kept_memory_is_used_again():
    """A block of 64 MB: page faults of the second use, counted by the kernel."""
    import resource

    def faults() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        block = np.empty(64 << 20, np.uint8)
        block[::4096] = 1
        del block
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    memory.keep_freed()
    try:
        faults()
        kept = faults()
    finally:
        memory.return_freed()
    if not memory.available():
        pytest.skip("another C library")
    assert kept < 1000 < 16 * 1024 * 0.9
