"""Proves which tokens MPNet's objectives predict, in which order, what replaces them, and what is measured."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.utils.data import DataLoader

from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.objectives import measures, permuted_blocks
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.text import packing, tokenizers
from scriptorium.text.blocks import Blocks
from tests import tiny

LENGTH = 64
FIELDS = ("input_ids", "positions", "revealed", "labels", "document_ids")


class Silent:
    def metrics(self, step, values):
        pass


def wordpiece():
    """tiny's words, each followed by none, one or two of five pieces that go on with it; MPNet's symbols around."""
    pieces = [*tiny.SPECIAL, *[f"word{i}" for i in range(30)], *[f"##{letter}" for letter in "abcde"]]
    core = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    names = {f"{token.strip('[]').lower()}_token": token for token in tiny.SPECIAL}
    return tokenizers.fairseq_tokenizer(transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names))


@pytest.fixture(scope="module")
def tokenizer():
    return wordpiece()


@pytest.fixture(scope="module")
def blocks(tmp_path_factory, tokenizer):
    import pandas as pd

    folder = tmp_path_factory.mktemp("packed")
    generator = np.random.default_rng(0)
    texts = []
    for length in [5, 40, 3, 90, 1, 1, 200] * 6:
        words = [
            f"word{generator.integers(30)}" + "".join(generator.choice([*"abcde"], generator.integers(3)))
            for _ in range(length)
        ]
        texts.append(" ".join(words))
    splits = ["train"] * (len(texts) - 1) + ["validation"]
    pd.DataFrame({"split": splits, "text": texts}).to_parquet(folder / "documents.parquet")
    packing.pack(folder / "documents.parquet", tokenizer, LENGTH, folder, Silent())
    return Blocks(folder / "train.arrow")


def data(blocks, tokenizer, name="mpnet", seed=3, faithful=False, whole_words=True, **changes):
    spec = ObjectiveSpec.parse(
        {"name": name, "permuted": {"faithful": faithful, "whole_words": whole_words}, **changes}
    )
    draws = training_draws(seed)
    return permuted_blocks.PermutedBlocks(blocks, spec, tokenizer, draws, masks_only=name == "plm")


def test_examples_do_not_depend_on_what_was_asked_before(blocks, tokenizer):
    ours = data(blocks, tokenizer)
    straight = [ours[(1, i)] for i in range(len(ours))]
    backwards = [data(blocks, tokenizer)[(1, i)] for i in reversed(range(len(ours)))][::-1]
    assert len(straight) > 20
    for a, b in zip(straight, backwards, strict=True):
        assert all(np.array_equal(a[name], b[name]) for name in FIELDS)
    assert not np.array_equal(straight[0]["positions"], ours[(2, 0)]["positions"])


@pytest.mark.parametrize(("workers", "batch_size"), [(0, 1), (0, 7), (2, 4)])
def test_examples_do_not_depend_on_workers_or_batch_size(blocks, tokenizer, workers, batch_size):
    ours = data(blocks, tokenizer)
    sampler = EpochSampler(len(ours), seed=5)
    sampler.epoch = 2
    loader = DataLoader(
        ours,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=permuted_blocks.collate(document_attention=True),
    )
    rows = [{name: batch[name][i] for name in FIELDS} for batch in loader for i in range(len(batch["labels"]))]
    for key, row in zip(sampler, rows, strict=True):
        expected = ours[key]
        used = row["positions"] >= 0
        assert np.array_equal(row["input_ids"], expected["input_ids"])
        for name in ("positions", "revealed", "labels"):
            assert np.array_equal(row[name][used], expected[name])
        assert (row["labels"][~used] == IGNORED).all()


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.4])
def test_every_block_predicts_the_exact_share_of_its_own_ordinary_tokens(blocks, tokenizer, rate):
    ours = data(blocks, tokenizer, rate=rate)
    counts = set()
    for index in range(len(ours)):
        true, example = blocks[index][0], ours[(0, index)]
        ordinary = int((~np.isin(true, tokenizer.all_special_ids)).sum())
        assert len(example["positions"]) == max(1, round(rate * ordinary)) == len(set(example["positions"].tolist()))
        assert np.array_equal(example["revealed"], true[example["positions"]])
        assert np.array_equal(example["labels"], example["revealed"])
        assert not np.isin(example["labels"], tokenizer.all_special_ids).any()
        untouched = np.setdiff1d(np.arange(LENGTH), example["positions"])
        assert np.array_equal(example["input_ids"][untouched], true[untouched])
        counts.add(len(example["positions"]))
    assert len(counts) > 1 or rate < 0.4


def test_faithful_predicts_specials_and_one_count_for_all_blocks(blocks, tokenizer):
    ours = data(blocks, tokenizer, faithful=True)
    examples = [ours[(0, index)] for index in range(len(ours))]
    assert {len(example["positions"]) for example in examples} == {round(0.15 * LENGTH)} == {10}
    labels = np.concatenate([example["labels"] for example in examples])
    assert tokenizer.sep_token_id in labels and tokenizer.cls_token_id in labels


def test_faithful_predicts_padding_without_a_label(blocks, tokenizer):
    """One count from the padded width; the mean still counts padding (models/mpnet, count_ignored)."""
    row = np.full(40, tokenizer.pad_token_id, dtype=np.int32)
    row[:20] = blocks[0][0][:20]
    ours = data(blocks, tokenizer, faithful=True)
    examples = [ours.hide(row, np.random.default_rng(seed)) for seed in range(50)]
    assert {len(example["positions"]) for example in examples} == {6}
    padding = np.concatenate([example["positions"] >= 20 for example in examples])
    labels = np.concatenate([example["labels"] for example in examples])
    assert np.array_equal(labels == IGNORED, padding)
    assert padding.mean() == pytest.approx(0.5, abs=0.1)
    corrected = data(blocks, tokenizer)
    assert all((corrected.hide(row, np.random.default_rng(seed))["positions"] < 20).all() for seed in range(50))


def test_at_most_one_word_of_a_block_is_half_predicted(blocks, tokenizer):
    ours = data(blocks, tokenizer, rate=0.3)
    halves = whole = 0
    for index in range(len(ours)):
        true, chosen = blocks[index][0], set(ours[(0, index)]["positions"].tolist())
        special = np.isin(true, tokenizer.all_special_ids)
        first = ours.starts[true] | special
        first[1:] |= special[:-1]
        words = [group.tolist() for group in np.split(np.arange(LENGTH), np.flatnonzero(first)[1:])]
        split = [word for word in words if 0 < len(chosen & set(word)) < len(word)]
        assert len(split) <= 1
        halves += len(split)
        whole += sum(len(word) > 1 and set(word) <= chosen for word in words)
    assert whole > 50 and halves > 0


def test_without_whole_words_pieces_are_drawn_alone(blocks, tokenizer):
    ours = data(blocks, tokenizer, rate=0.3, whole_words=False)
    split = 0
    for index in range(len(ours)):
        true, chosen = blocks[index][0], set(ours[(0, index)]["positions"].tolist())
        continued = np.flatnonzero(np.array([str(n).startswith("##") for n in tokenizer.convert_ids_to_tokens(true)]))
        split += sum((i in chosen) != (i - 1 in chosen) for i in continued if i > 1)
    assert split > 2 * len(ours)


def test_predicted_part_is_the_end_of_a_permutation_of_words_then_shuffled():
    """Hand-made: words of 1, 2, 3 pieces; every word is chosen evenly, and the order of pieces is any order."""
    candidates = np.array([2, 5, 6, 9, 10, 11])
    first = np.array([True, True, False, True, False, False])
    orders = [permuted_blocks.predicted_part(candidates, first, 3, np.random.default_rng(seed)) for seed in range(6000)]
    sets = {}
    for order in orders:
        key = tuple(sorted(order.tolist()))
        sets[key] = sets.get(key, 0) + 1
    # last word 9-11: it alone (2 of 6 orders); 5 6 last: with 2 or the tail of 9-11; 2 last: with 5 6 or that tail
    assert sets.keys() == {(9, 10, 11), (2, 5, 6), (5, 6, 11), (2, 10, 11)}
    assert sets[(9, 10, 11)] / 6000 == pytest.approx(1 / 3, abs=0.03)
    assert sets[(2, 5, 6)] / 6000 == pytest.approx(1 / 3, abs=0.03)
    assert sets[(5, 6, 11)] / 6000 == pytest.approx(1 / 6, abs=0.03)
    whole = [tuple(order.tolist()) for order in orders if set(order.tolist()) == {9, 10, 11}]
    assert len(set(whole)) == 6 and whole.count((9, 10, 11)) / len(whole) == pytest.approx(1 / 6, abs=0.03)


def test_corruption_is_80_10_10_and_plm_hides_everything(blocks, tokenizer):
    shares = {}
    for name in ("mpnet", "mlm-permuted", "plm"):
        ours = data(blocks, tokenizer, name=name, rate=0.5)
        pairs = [
            (e["input_ids"][e["positions"]], e["revealed"])
            for e in (ours[(t, i)] for t in range(20) for i in range(len(ours)))
        ]
        shown, true = (np.concatenate(each) for each in zip(*pairs, strict=True))
        shares[name] = (shown == tokenizer.mask_token_id).mean(), (shown == true).mean()
        assert not np.isin(shown, [0, 1, 2, 3]).any()
        assert np.isin(shown, np.append(ours.ordinary, [tokenizer.mask_token_id])).all()
        assert not np.isin(ours.ordinary, [tokenizer.mask_token_id, *range(9)]).any()
        assert len(true) > 10_000
    kept = 0.1 + 0.1 / 35  # a random token is the true one now and then
    for name in ("mpnet", "mlm-permuted"):
        assert shares[name] == pytest.approx((0.8, kept), abs=0.012)
    assert shares["plm"] == (1.0, 0.0)


def test_faithful_draws_random_tokens_of_any_id_but_the_first_four(blocks, tokenizer):
    ours = data(blocks, tokenizer, faithful=True, mask=0.0, random=1.0, rate=0.5)
    shown = np.concatenate([(e := ours[(t, i)])["input_ids"][e["positions"]] for t in range(20) for i in range(9)])
    assert set(np.unique(shown)) == set(range(4, len(tokenizer)))


def test_fairseq_vocabulary_keeps_the_pieces_and_their_order(tokenizer):
    """Section 2: <s> <pad> </s> <unk>, BERT id b becomes b + 4, <mask> last; unknown words are BERT's own [UNK]."""
    names = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    assert names[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert names[4:-1] == [*tiny.SPECIAL, *[f"word{i}" for i in range(30)], *[f"##{c}" for c in "abcde"]]
    assert (names[-1], tokenizer.mask_token_id) == ("<mask>", len(names) - 1)
    assert tokenizer("word1ab nothing")["input_ids"] == [0, 10, 39, 40, 5, 2]
    assert tokenizer.unk_token_id == 5


def test_fairseq_vocabulary_survives_saving(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    back = tokenizers.load_tokenizer(tmp_path)
    assert isinstance(back, transformers.MPNetTokenizer)
    assert back.get_vocab() == tokenizer.get_vocab()
    assert (
        back("Word3e [MASK] <mask> word2", split_special_tokens=True)["input_ids"]
        == tokenizer("Word3e [MASK] <mask> word2", split_special_tokens=True)["input_ids"]
    )
    assert back.mask_token_id == len(back) - 1


def test_fairseq_order_is_refused_for_another_kind_of_vocabulary():
    core = Tokenizer(models.BPE({"a": 0, "b": 1}, []))
    with pytest.raises(UserError, match="WordPiece vocabulary with"):
        tokenizers.fairseq_tokenizer(transformers.PreTrainedTokenizerFast(tokenizer_object=core))


def test_whole_words_are_refused_where_the_vocabulary_does_not_mark_them(blocks):
    core = Tokenizer(models.BPE({symbol: number for number, symbol in enumerate([*tiny.SPECIAL, "a", "b"])}, []))
    names = {f"{token.strip('[]').lower()}_token": token for token in tiny.SPECIAL}
    unmarked = transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)
    with pytest.raises(UserError, match="marks neither where a word begins nor where it goes on"):
        data(blocks, unmarked)
    assert len(data(blocks, unmarked, whole_words=False)) == len(blocks)


def test_measures_are_means_over_labels_and_by_tenth_of_the_order():
    """Two blocks, of 10 and 5 predictions, hand-made: the loss of rank i is 100 - i, wrong only at rank 1."""
    labels = np.full((2, 10), -100)
    labels[0], labels[1, :5] = 7, 7
    losses = np.where(labels == -100, 0.0, 100.0 - np.arange(1, 11))
    correct = np.where(labels == -100, -100, np.arange(1, 11) != 1)
    found = measures.of_predictions(transformers.EvalPrediction((losses, correct), labels))
    assert found["loss"] == pytest.approx((sum(range(90, 100)) + sum(range(95, 100))) / 15)
    assert found["accuracy"] == pytest.approx(13 / 15)
    # ranks 1..5 of 5 count to tenths 2, 4, 6, 8, 10
    assert found["loss_by_rank/1"] == 99
    assert found["loss_by_rank/2"] == pytest.approx((98 + 99) / 2)
    assert found["loss_by_rank/3"] == 97
    assert found["loss_by_rank/10"] == pytest.approx((90 + 95) / 2)
    assert len([name for name in found if name.startswith("loss_by_rank/")]) == 10
    assert found["loss_by_rank_error/1"] == 0
    assert found["loss_by_rank_error/10"] == pytest.approx(2.5 / 2**0.5)  # of 90 and 95


def test_collate_leaves_document_ids_out_when_attention_is_not_restricted(blocks, tokenizer):
    examples = [data(blocks, tokenizer)[(0, i)] for i in range(3)]
    assert "document_ids" in permuted_blocks.collate(document_attention=True)(examples)
    batch = permuted_blocks.collate(document_attention=False)(examples)
    assert batch.keys() == {"input_ids", "positions", "revealed", "labels"}
    assert all(value.dtype == torch.int64 for value in batch.values())
