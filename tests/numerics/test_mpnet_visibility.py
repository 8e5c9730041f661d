"""Proves the visibility rule of MPNet and its ablations: the tables of docs/papers/mpnet.md section 3 row by row, and
on random networks which outputs change with which token."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scriptorium.models.mpnet import MODES, TwoStreamConfig, TwoStreamMPNet, lay_out, shares

EVERYTHING = slice(0, None)

# Six tokens in the order x1 x3 x5 | x4 x6 x2: the last three are predicted, x4 first.
ORDER = (3, 5, 1)  # positions from 0
KEYS = {"x1": 0, "x3": 2, "x5": 4, "x4": 6, "x6": 7, "x2": 8, "M4": 3, "M6": 5, "M2": 1}
MPNET = """
row x1 x3 x5 x4 x6 x2 M4 M6 M2
x1   1  1  1  0  0  0  1  1  1
x3   1  1  1  0  0  0  1  1  1
x5   1  1  1  0  0  0  1  1  1
x4   1  1  1  1  0  0  0  1  1
x6   1  1  1  1  1  0  0  0  1
x2   1  1  1  1  1  1  0  0  0
M4   1  1  1  0  0  0  1  1  1
M6   1  1  1  0  0  0  1  1  1
M2   1  1  1  0  0  0  1  1  1
q4   1  1  1  0  0  0  1  1  1
q6   1  1  1  1  0  0  0  1  1
q2   1  1  1  1  1  0  0  0  1
"""
PLM = """
row x1 x3 x5 x4 x6 x2
x1   1  1  1  0  0  0
x3   1  1  1  0  0  0
x5   1  1  1  0  0  0
x4   1  1  1  1  0  0
x6   1  1  1  1  1  0
x2   1  1  1  1  1  1
q4   1  1  1  0  0  0
q6   1  1  1  1  0  0
q2   1  1  1  1  1  0
"""


def read(table):
    """{(row, key): bool}"""
    header, *rows = [line.split() for line in table.strip().splitlines()]
    return {(row[0], key): cell == "1" for row in rows for key, cell in zip(header[1:], row[1:], strict=True)}


def six(mode):
    true = torch.arange(10, 16)[None]
    positions = torch.tensor([ORDER])
    revealed = true.gather(1, positions)
    return lay_out(mode, true.scatter(1, positions, 99), positions, revealed)


def test_mpnet_rows_see_what_the_table_says():
    layout = six("mpnet")
    rows = KEYS | {"q4": 9, "q6": 10, "q2": 11}
    seen = layout.visible(EVERYTHING, EVERYTHING)[0]
    expected = read(MPNET)
    assert len(expected) == 12 * 9
    for (row, key), value in expected.items():
        assert bool(seen[rows[row], KEYS[key]]) == value, (row, key)
    assert layout.ids[0].tolist() == [10, 99, 12, 99, 14, 99, 13, 15, 11, 99, 99, 99]
    assert layout.positions[0].tolist() == [0, 1, 2, 3, 4, 5, *ORDER, *ORDER]
    assert layout.predicted[0].tolist() == [9, 10, 11]


def test_plm_rows_see_what_the_table_says():
    layout = six("plm")
    keys = {f"x{i + 1}": i for i in range(6)}
    rows = keys | {"q4": 6, "q6": 7, "q2": 8}
    seen = layout.visible(EVERYTHING, EVERYTHING)[0]
    expected = read(PLM)
    assert len(expected) == 9 * 6
    for (row, key), value in expected.items():
        assert bool(seen[rows[row], keys[key]]) == value, (row, key)
    assert layout.ids[0].tolist() == [10, 11, 12, 13, 14, 15, 99, 99, 99]


def test_mlm_is_one_unmasked_pass_over_the_corrupted_text():
    layout = six("mlm")
    assert layout.visible(EVERYTHING, EVERYTHING).all()
    assert (layout.content, layout.open, layout.ids.shape) == (6, 6, (1, 6))
    assert layout.predicted[0].tolist() == list(ORDER)


def random_batch(generator, blocks=4, length=24, slots=7, vocabulary=60, documents=False):
    """Blocks with different numbers of predictions, random orders and corruption."""
    true = torch.from_numpy(generator.integers(5, vocabulary, (blocks, length)))
    positions, revealed = torch.full((blocks, slots), -1), torch.zeros((blocks, slots), dtype=torch.long)
    corrupted = true.clone()
    for row in range(blocks):
        count = slots - row % 3
        positions[row, :count] = torch.from_numpy(generator.permutation(length)[:count])
        revealed[row, :count] = true[row, positions[row, :count]]
        corrupted[row, positions[row, :count]] = 4
    batch = {"input_ids": corrupted, "positions": positions, "revealed": revealed}
    if documents:
        cuts = generator.integers(3, length - 3, (blocks, 2))
        batch["document_ids"] = torch.from_numpy(
            (np.arange(length)[None, None] >= cuts[:, :, None]).sum(1) + 10 * np.arange(blocks)[:, None]
        )
    return batch


def net(mode, **changes):
    torch.manual_seed(5)
    config = TwoStreamConfig(
        vocab_size=64,
        tokens=60,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=34,
        mode=mode,
        pad_token_id=0,
        **changes,
    )
    model = TwoStreamMPNet(config).double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and "LayerNorm" not in name and "layer_norm" not in name:
                parameter.normal_(0, 0.3)
    return model


def test_in_mpnet_every_row_covers_every_position_once():
    batch = random_batch(np.random.default_rng(0))
    layout = lay_out("mpnet", **batch)
    seen = layout.visible(EVERYTHING, EVERYTHING)
    length = batch["input_ids"].shape[1]
    covered = torch.zeros(*seen.shape[:2], length, dtype=torch.long)
    places = layout.positions[:, : layout.content]
    covered.scatter_add_(2, places[:, None].expand_as(seen), seen.long())
    real = torch.cat([torch.ones_like(batch["input_ids"]), batch["positions"] >= 0, batch["positions"] >= 0], 1) > 0
    assert (covered[real] == 1).all()
    assert real.sum() > 4 * length


@pytest.mark.parametrize("mode", ["mpnet", "plm"])
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("form", ["split", "dense"])
def test_query_never_sees_its_own_token_nor_a_later_one(mode, relative, form):
    """One real token changes at a time: query i moves with ranks below i, and with no other."""
    model = net(mode, relative=relative, form=form)
    batch = random_batch(np.random.default_rng(1))
    with torch.no_grad():
        before = model.predict(**batch)
        for block in range(4):
            count = int((batch["positions"][block] >= 0).sum())
            for rank in range(count):
                revealed = batch["revealed"].clone()
                revealed[block, rank] = (revealed[block, rank] + 17) % 60
                moved = (model.predict(**batch | {"revealed": revealed}) - before).abs().amax(-1)
                assert (moved[block, rank + 1 : count] > 1e-9).all(), "later queries see it"
                assert (moved[block, : rank + 1] == 0).all(), "its own query and earlier ones do not"
                moved[block] = 0
                assert (moved == 0).all(), "nor does another block"


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("mode", ["mpnet", "plm"])
def test_content_rows_see_what_the_rule_says(mode, relative):
    """Context and mask rows never move with a predicted token; the real row of rank i moves with ranks up to i."""
    model = net(mode, relative=relative)
    batch = random_batch(np.random.default_rng(2), blocks=1)
    layout = lay_out(mode, **batch)
    thresholds, length = layout.thresholds[0], batch["input_ids"].shape[1]
    with torch.no_grad():
        before = model.encode(layout)[0]
        for rank in range(1, 8):
            revealed = batch["revealed"].clone()
            revealed[0, rank - 1] += 1
            moved = (model.encode(lay_out(mode, **batch | {"revealed": revealed}))[0] - before).abs().amax(-1) > 1e-9
            rows = layout.content
            assert torch.equal(moved[:rows], thresholds[:rows] >= rank)
    assert (thresholds[:length] == 0).any()


def test_without_the_mask_keys_the_masked_positions_are_unknown():
    """PLM never sees how a predicted token is hidden elsewhere; MPNet does."""
    batch = random_batch(np.random.default_rng(3), blocks=1)
    corrupted = batch["input_ids"].clone()
    last = int(batch["positions"][0, 6])
    corrupted[0, last] = 30  # a random token instead of the mask, at the position predicted last
    for mode, moves in (("mpnet", True), ("plm", False)):
        model = net(mode)
        with torch.no_grad():
            before, after = (model.predict(**batch | {"input_ids": ids}) for ids in (batch["input_ids"], corrupted))
        assert bool(((after - before)[0, :6].abs().amax(-1) > 1e-9).all()) == moves
        assert bool(((after - before)[0, :6] == 0).all()) == (not moves)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", ["split", "dense"])
def test_documents_of_a_packed_block_do_not_see_each_other_in_either_stream(mode, form):
    """Another document's tokens change, real and corrupted: nothing of this document moves, in any row."""
    model = net(mode, form=form)
    batch = random_batch(np.random.default_rng(4), blocks=2, documents=True)
    layout = lay_out(mode, **batch)
    owner = int(batch["document_ids"][0, 0])
    other = batch["document_ids"][0] != owner
    changed = {name: value.clone() for name, value in batch.items()}
    changed["input_ids"][0, other] = (changed["input_ids"][0, other] + 7) % 60
    places = batch["positions"].clamp(min=0)
    foreign = other[places[0]] & (batch["positions"][0] >= 0)
    changed["revealed"][0, foreign] = (changed["revealed"][0, foreign] + 11) % 60
    with torch.no_grad():
        before, after = (model.encode(lay_out(mode, **each))[0] for each in (batch, changed))
    own = layout.documents[0] == owner
    moved = (after - before).abs().amax(-1)
    assert own.any() and (moved[own] == 0).all()
    assert (moved[~own] > 1e-9).any()
    assert int(foreign.sum()) > 0


@pytest.mark.parametrize("mode", MODES)
def test_packed_documents_equal_documents_alone(mode):
    """Both streams: a document predicts as it does in a block of its own, at its positions."""
    model = net(mode)
    batch = random_batch(np.random.default_rng(6), blocks=1, documents=True)
    with torch.no_grad():
        together = model.predict(**batch)[0]
        seen = 0
        for owner in batch["document_ids"][0].unique():
            alone = {name: value.clone() for name, value in batch.items()}
            alone["document_ids"] = torch.where(batch["document_ids"] == owner, owner, -1)  # the rest is padding
            alone["input_ids"] = torch.where(batch["document_ids"] == owner, batch["input_ids"], 0)
            places = batch["positions"][0]
            mine = (batch["document_ids"][0][places.clamp(min=0)] == owner) & (places >= 0)
            kept = torch.where(mine, batch["positions"][0], -1)
            alone["positions"] = kept[None]
            # ranks close up within the document: the order among its own predictions stays
            order = torch.argsort((~mine).long(), stable=True)
            alone["positions"], alone["revealed"] = alone["positions"][:, order], batch["revealed"][:, order]
            count = int(mine.sum())
            found = model.predict(**alone)[0, :count]
            assert torch.allclose(found, together[mine], atol=1e-10)
            seen += count
    assert seen == 7


def test_a_query_that_sees_nothing_is_finite_and_so_are_its_gradients():
    """PLM: a document of one token that is predicted leaves its query without any key."""
    model = net("plm")
    batch = {
        "input_ids": torch.tensor([[6, 7, 8, 4]]),
        "positions": torch.tensor([[3, 1]]),
        "revealed": torch.tensor([[9, 7]]),
        "document_ids": torch.tensor([[0, 0, 0, 1]]),
    }
    layout = lay_out("plm", **batch)
    assert not layout.visible(EVERYTHING, EVERYTHING)[0, 4].any()
    loss = model(**batch, labels=batch["revealed"])["loss"]
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_information_shares_are_those_of_the_paper_and_of_the_layouts():
    """85 / 92.5 / 100 (section 6), and the same counted in the rows of a layout."""
    assert shares("mlm", 512, 77) == pytest.approx((0.8496, 1.0), abs=5e-5)
    assert shares("plm", 512, 77) == pytest.approx((0.9238, 0.9238), abs=5e-5)
    assert shares("mpnet", 512, 77) == pytest.approx((0.9238, 1.0), abs=5e-5)
    generator = np.random.default_rng(8)
    length, slots = 40, 6
    positions = torch.from_numpy(generator.permutation(length)[:slots])[None]
    ids = torch.arange(length)[None]
    for mode in MODES:
        layout = lay_out(mode, ids, positions, ids.gather(1, positions))
        rows = layout.visible(EVERYTHING, EVERYTHING)[0, layout.predicted[0]]
        kinds = layout.kinds[0]
        tokens = rows[:, (kinds == 0) | (kinds == 1)].sum(1).double().mean() / length
        places = rows.sum(1).double().mean() / length
        assert (float(tokens), float(places)) == pytest.approx(shares(mode, length, slots))


def test_rule_without_context_kinds_is_empty_for_absent_keys():
    batch = random_batch(np.random.default_rng(9))
    layout = lay_out("mpnet", **batch)
    absent = layout.kinds == 3
    assert absent.any()
    assert not layout.visible(EVERYTHING, EVERYTHING).transpose(1, 2)[absent].any()
