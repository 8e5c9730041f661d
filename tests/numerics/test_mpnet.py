"""Proves that both forms of MPNet's attention are one function, that the model is transformers' MPNet where the two
overlap, and that export, import and the padded vocabulary change nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from scriptorium.errors import UserError
from scriptorium.models import mpnet
from scriptorium.models.mpnet import MODES, TwoStreamConfig, TwoStreamMPNet, lay_out
from scriptorium.models.mpnet.model import padded
from scriptorium.models.spec import EncoderSpec
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.text import tokenizers
from tests import tiny
from tests.numerics.test_mpnet_visibility import net, random_batch

SHAPE = EncoderSpec(hidden_size=32, layers=2, heads=2, intermediate_size=48, max_positions=40, dropout=0.0)


def labelled(seed=0, **changes):
    batch = random_batch(np.random.default_rng(seed), **changes)
    return batch | {"labels": torch.where(batch["positions"] >= 0, batch["revealed"], -100)}


@pytest.mark.parametrize("documents", [False, True])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_split_attention_equals_the_dense_form_forward_and_backward(mode, relative, documents):
    batch = labelled(documents=documents)
    found = {}
    for form in ("dense", "split"):
        model = net(mode, relative=relative, form=form)
        hidden = model.encode(
            lay_out(mode, *[batch[name] for name in ("input_ids", "positions", "revealed")], batch.get("document_ids"))
        )
        outputs = model(**batch)
        outputs["loss"].backward()
        gradients = {name: p.grad for name, p in model.named_parameters() if p.requires_grad}
        found[form] = hidden, outputs["losses"], gradients
    (dense, dense_losses, theirs), (split, split_losses, ours) = found["dense"], found["split"]
    used = batch["positions"] >= 0
    assert torch.allclose(dense, split, atol=1e-6)
    assert torch.allclose(dense_losses[used], split_losses[used], atol=1e-6)
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        assert torch.allclose(gradient, theirs[name], atol=1e-6), name
    shifts = (".k.bias",)  # the same score for all keys of a row: no gradient
    assert min(value.abs().max() for name, value in ours.items() if not name.endswith(shifts)) > 1e-6


def test_split_attention_has_1_35_instead_of_1_50_square_scores():
    length, slots = 512, 77
    ids = torch.zeros(1, length, dtype=torch.long)
    layout = lay_out("mpnet", ids, torch.arange(slots)[None], torch.zeros(1, slots, dtype=torch.long))
    counts = {}
    for form in ("dense", "split"):
        model = net("mpnet", form=form, relative=False)
        calls = model._calls(layout)
        size = [(call.rows.stop - call.rows.start) * (call.keys.stop - call.keys.start) for call in calls]
        counts[form] = sum(size) / length**2
        assert (calls[0].mask is None) == (form == "split"), "the large call of the split form has no mask"
    assert counts == pytest.approx({"dense": 1.496, "split": 1.346}, abs=5e-4)


def test_distance_buckets_are_those_of_the_table():
    """Section 4: 0..7 exact, then 8-11, 12-15, 16-22, 23-31, 32-45, 46-63, 64-90, 91 and more; +16 after the query."""
    starts = [*range(8), 8, 12, 16, 23, 32, 46, 64, 91]
    bucket = transformers.models.mpnet.modeling_mpnet.MPNetEncoder.relative_position_bucket
    for distance in range(512):
        expected = max(i for i, start in enumerate(starts) if start <= distance)
        assert int(bucket(torch.tensor(-distance))) == expected, distance
        if distance:
            assert int(bucket(torch.tensor(distance))) == expected + 16


def test_relative_table_is_one_for_all_layers_and_both_streams():
    model = net("mpnet")
    names = [name for name, _ in model.named_parameters() if "relative" in name]
    assert names == ["mpnet.encoder.relative_attention_bias.weight"]
    assert model.mpnet.encoder.relative_attention_bias.weight.shape == (32, 4)
    batch = labelled()
    with torch.no_grad():
        before = model.encode(lay_out("mpnet", batch["input_ids"], batch["positions"], batch["revealed"]))
        model.mpnet.encoder.relative_attention_bias.weight[1] += 1
        after = model.encode(lay_out("mpnet", batch["input_ids"], batch["positions"], batch["revealed"]))
    moved = (after - before).abs().amax(-1)
    assert (moved[:, :24] > 0).all() and (moved[0, -7:] > 0).all()


@pytest.mark.parametrize("relative", [True, False])
def test_mlm_equals_transformers_own_mpnet(relative):
    """The same weights, exported: logits at the predicted positions and all hidden states, on text without padding."""
    model = net("mlm", relative=relative)
    batch = labelled(slots=7)
    theirs = model.plain().double().eval()
    batch["input_ids"][batch["input_ids"] == 1] = 5  # transformers reads token 1 as padding
    with torch.no_grad():
        logits = theirs(batch["input_ids"]).logits.float()
        ours = model.predict(*(batch[name] for name in ("input_ids", "positions", "revealed")))
        hidden = model.encode(lay_out("mlm", batch["input_ids"], batch["positions"], batch["revealed"]))
        expected = theirs.mpnet(batch["input_ids"]).last_hidden_state
    assert torch.allclose(hidden, expected, atol=1e-5)
    rows = torch.arange(4)[:, None]
    used = batch["positions"] >= 0
    assert torch.allclose(ours[used], logits[rows, batch["positions"].clamp(min=0)][used], atol=1e-5)
    assert theirs.config.vocab_size == 60 and logits.shape[-1] == 60
    assert theirs.config.layer_norm_eps == 1e-5


def test_context_and_mask_rows_of_mpnet_are_a_plain_mlm_pass():
    batch = labelled()
    model = net("mpnet")
    with torch.no_grad():
        hidden = model.encode(lay_out("mpnet", batch["input_ids"], batch["positions"], batch["revealed"]))
        expected = model.encode(lay_out("mlm", batch["input_ids"], batch["positions"], batch["revealed"]))
    assert torch.allclose(hidden[:, :24], expected, atol=1e-12)


@pytest.mark.parametrize("relative", [True, False])
def test_export_is_read_by_transformers_and_comes_back_unchanged(relative, tmp_path):
    model = net("mpnet", relative=relative).float()
    model.plain().save_pretrained(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]
    reader, info = transformers.MPNetModel.from_pretrained(tmp_path, output_loading_info=True, add_pooling_layer=False)
    assert not info["missing_keys"] and all("lm_head" in name for name in info["unexpected_keys"])
    assert reader.config.max_position_embeddings == model.config.max_position_embeddings
    _, info = transformers.MPNetForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    back = TwoStreamMPNet.adopt(tmp_path, mode="mpnet", relative=relative).eval()
    assert (back.config.vocab_size, back.config.tokens) == (64, 60)
    batch = labelled()
    with torch.no_grad():
        assert torch.equal(back(**batch)["losses"], model(**batch)["losses"])


def test_base_shape_has_514_positions_and_as_many_weights_as_the_published_model():
    """109,518,527 with the LM head of 30,527 tokens (section 4)."""
    shape = EncoderSpec(hidden_size=768, layers=12, heads=12, intermediate_size=3072, max_positions=512)
    config = TwoStreamConfig(vocab_size=padded(30527), tokens=30527)
    assert (config.vocab_size, config.max_position_embeddings) == (30528, shape.max_positions + 2)
    with torch.device("meta"):
        whole = TwoStreamMPNet(config)
    whole.tie_weights()
    assert whole.num_parameters() - 1 * (768 + 1) == 109_518_527


@pytest.mark.parametrize("mode", MODES)
def test_unused_slots_change_neither_loss_nor_gradients(mode):
    batch = labelled()
    wider = batch | {
        name: torch.nn.functional.pad(batch[name], (0, 3), value=fill)
        for name, fill in (("positions", -1), ("revealed", 0), ("labels", -100))
    }
    found = []
    for each in (batch, wider):
        model = net(mode)
        loss = model(**each)["loss"]
        loss.backward()
        found.append((loss, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}))
    assert found[0][0].item() == pytest.approx(found[1][0].item(), rel=1e-6)
    assert all(torch.allclose(value, found[1][1][name], atol=1e-7) for name, value in found[0][1].items())


def test_loss_is_the_mean_over_labels_and_in_the_original_over_all_predictions():
    batch = labelled()
    batch["labels"][0, :2] = -100  # padding that was predicted
    for count_ignored, count in ((False, 23), (True, 25)):
        outputs = net("mpnet", count_ignored=count_ignored)(**batch)
        assert outputs["loss"].item() == pytest.approx(outputs["losses"].sum().item() / count)


def test_loss_of_the_mask_rows_is_that_of_mlm_and_is_left_out_of_evaluation():
    batch = labelled()
    with torch.no_grad():
        plain, masked = net("mpnet")(**batch)["loss"], net("mlm")(**batch)["loss"]
        both = net("mpnet", mask_rows=0.5, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        assert both(**batch)["loss"] == plain
        assert both.train()(**batch)["loss"].item() == pytest.approx((plain + 0.5 * masked).item(), rel=1e-6)
    with pytest.raises(UserError, match="plm has no mask rows"):
        ObjectiveSpec.parse({"name": "plm", "permuted": {"mask_rows": 1.0}})


def test_without_relative_positions_the_table_stays_zero():
    torch.manual_seed(0)
    model = mpnet.build(SHAPE, fairseq(), relative=False)
    table = model.mpnet.encoder.relative_attention_bias.weight
    assert (table == 0).all() and not table.requires_grad
    assert (mpnet.build(SHAPE, fairseq()).mpnet.encoder.relative_attention_bias.weight != 0).any()


def test_faithful_query_key_and_value_keep_xaviers_bound():
    torch.manual_seed(0)
    shape = EncoderSpec(hidden_size=128, layers=1, heads=2, intermediate_size=48, max_positions=40)
    original, ours = (mpnet.build(shape, fairseq(), faithful=faithful) for faithful in (True, False))
    bound = (6 / (4 * 128)) ** 0.5
    for part in ("q", "k", "v"):
        weight = getattr(original.mpnet.encoder.layer[0].attention.attn, part).weight
        assert weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
        usual = getattr(ours.mpnet.encoder.layer[0].attention.attn, part).weight
        assert usual.std().item() == pytest.approx(0.02, rel=0.05)
    assert original.mpnet.encoder.layer[0].attention.attn.o.weight.std().item() == pytest.approx(0.02, rel=0.05)


def test_vocabulary_whose_token_1_occurs_in_text_is_refused():
    with pytest.raises(UserError, match=r"token 1 is '\[UNK\]'.*reads that id as padding"):
        mpnet.build(SHAPE, tiny.tokenizer())


def test_another_kind_of_model_is_refused(tmp_path):
    transformers.BertConfig().save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"no \*\.safetensors"):
        TwoStreamMPNet.adopt(tmp_path)
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UserError, match="a bert model, not an MPNet"):
        TwoStreamMPNet.adopt(tmp_path)


WEIGHTS = Path(os.environ.get("SCRIPTORIUM_MPNET", "resources/mpnet-base"))


def test_published_weights_give_the_hidden_states_of_transformers():
    """all-mpnet-base-v2 where it has been fetched (12 x 768): parity to 1e-5 on unpadded text."""
    if not (WEIGHTS / "model.safetensors").is_file():
        pytest.skip(f"no MPNet weights at {WEIGHTS} (name a directory in SCRIPTORIUM_MPNET)")
    theirs = transformers.MPNetModel.from_pretrained(WEIGHTS).eval()
    ours = TwoStreamMPNet.adopt(WEIGHTS, mode="mlm").eval()
    ids = transformers.AutoTokenizer.from_pretrained(WEIGHTS)("Eye movements guide the model.", return_tensors="pt")
    nothing = torch.full((1, 1), -1)
    with torch.no_grad():
        found = ours.encode(lay_out("mlm", ids["input_ids"], nothing, nothing.clamp(min=0)))
        expected = theirs(ids["input_ids"]).last_hidden_state
    assert torch.allclose(found, expected, atol=1e-5)


def fairseq():
    return tokenizers.fairseq_tokenizer(tiny.tokenizer())
