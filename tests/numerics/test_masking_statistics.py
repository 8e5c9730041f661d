"""Proves the masking of BERT, with and without pairs, and of RoBERTa: exact counts, 80/10/10, whole words, static and
dynamic masks, BERT's own choices; and that masks are pure functions of (seed, epoch, index) on padded blocks too."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from torch.utils.data import DataLoader

from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.objectives import masked_blocks, masking, permuted_blocks
from scriptorium.objectives.draws import training_draws
from scriptorium.objectives.labels import IGNORED
from scriptorium.objectives.spec import ObjectiveSpec
from scriptorium.objectives.unigram import log_frequencies
from scriptorium.text.blocks import Blocks
from scriptorium.text.tokenizers import load_tokenizer
from tests import lines, tiny
from tests.numerics.test_mpnet_objective import wordpiece

LENGTH = 48
SPECIAL = len(tiny.SPECIAL)
CLS, SEP, MASK = 2, 3, 4
OBJECTIVES = {
    "bert": {"name": "bert"},
    "bert-nsp": {"name": "bert-nsp"},
    "bert-nsp-faithful": {"name": "bert-nsp", "masking": {"faithful": True, "max_predictions": 6}},
    "roberta": {"name": "roberta", "document_attention": False},
}
LAYOUTS = {
    "bert": None,
    "bert-nsp": {"name": "sentence-pairs", "sentences": "lines", "copies": 2},
    "roberta": {"name": "full-sentences", "sentences": "lines"},
}


@pytest.fixture(scope="module")
def blocks(tmp_path_factory):
    """Blocks of every layout, by the objective that takes them."""
    given = [text.replace("word5", "neverseen") for text in lines.texts()]  # so that there are [UNK]
    made = {}
    for name, layout in LAYOUTS.items():
        folder = lines.packed(tmp_path_factory.mktemp(name), given=given, block_length=LENGTH, layout=layout)
        made[name] = Blocks(folder / "train.arrow")
    return made


def data(blocks, name, seed=0, tokenizer=None, **changes):
    spec = ObjectiveSpec.parse({**OBJECTIVES[name], **changes})
    return masked_blocks.MaskedBlocks(blocks[spec.name], spec, tokenizer or tiny.tokenizer(), training_draws(seed))


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_examples_do_not_depend_on_order_batch_size_or_workers(blocks, name):
    ours = data(blocks, name)
    expected = [ours[(2, index)] for index in range(len(ours))]
    backwards = [data(blocks, name)[(2, index)] for index in reversed(range(len(ours)))][::-1]
    assert all(map(same, expected, backwards))
    assert not all(same(a, ours[(1, i)]) for i, a in enumerate(expected))
    sampler = EpochSampler(len(ours), seed=5)
    sampler.epoch = 2
    for workers, size in ((0, 1), (0, 7), (2, 4)):
        loader = DataLoader(
            ours,
            batch_size=size,
            sampler=sampler,
            num_workers=workers,
            collate_fn=masked_blocks.collate(document_attention=name == "bert"),
        )
        rows = iter(sampler)
        for batch in loader:
            for row in range(len(batch["labels"])):
                one = expected[next(rows)[1]]
                for column in batch.keys() & one.keys():
                    values = batch[column][row].numpy()
                    assert np.array_equal(values[: len(one[column])], one[column]), column
                assert (batch["labels"][row, len(one["labels"]) :] == IGNORED).all()


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_counts_are_exact(blocks, name, rate):
    ours = data(blocks, name, rate=rate)
    faithful = "faithful" in name
    for index in range(len(ours)):
        input_ids, document_ids = ours.blocks[index]
        real = document_ids >= 0
        allowed = real & ~np.isin(input_ids, (CLS, SEP)) if faithful else real & (input_ids >= SPECIAL)
        share = max(1, round(rate * (real if faithful else allowed).sum()))
        expected = min(share, allowed.sum(), 6 if faithful else LENGTH)
        positions = ours[(0, index)]["positions"]
        assert len(positions) == expected
        assert allowed[positions].all() and (np.diff(positions) > 0).all()


def test_unknown_words_are_predicted_only_as_in_berts_code(blocks):
    def predicts_unknown(name):
        ours = data(blocks, name, rate=0.9)
        return any(1 in ours[(0, index)]["labels"] for index in range(len(ours)))

    assert predicts_unknown("bert-nsp-faithful")
    assert not predicts_unknown("bert-nsp")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_of_the_predicted_80_percent_are_masked_10_random_10_kept(blocks, name):
    """Over many epochs, within four standard deviations."""
    ours = data(blocks, name, rate=0.5)
    kinds, drawn = np.zeros(3, dtype=int), []
    for epoch in range(16):
        for index in range(len(ours)):
            example = ours[(epoch, index)]
            now, true = example["input_ids"][example["positions"]], example["labels"]
            changed = (now != MASK) & (now != true)
            kinds += [(now == MASK).sum(), changed.sum(), (now == true).sum()]
            drawn.append(now[changed])
    total, size = kinds.sum(), len(tiny.tokenizer())
    assert total > 5000
    hit = 1 / (size if "faithful" in name else size - SPECIAL)  # a random draw that is the token itself, or [MASK]
    masked_by_chance = 0.1 * hit if "faithful" in name else 0.0
    expected = np.array([0.8 + masked_by_chance, 0.1 - 0.1 * hit - masked_by_chance, 0.1 + 0.1 * hit])
    assert expected.sum() == pytest.approx(1)
    deviation = np.sqrt(expected * (1 - expected) / total)
    assert (np.abs(kinds / total - expected) < 4 * deviation).all(), (kinds / total, expected)
    specials_drawn = set(np.concatenate(drawn).tolist()) & set(range(SPECIAL))
    assert specials_drawn == ({0, 1, 2, 3} if "faithful" in name else set())


def test_static_masks_come_back_after_so_many_epochs_and_dynamic_ones_do_not(blocks):
    static, dynamic = data(blocks, "bert-nsp", masking={"static_copies": 3}), data(blocks, "bert-nsp")
    for epoch in range(3):
        assert all(same(static[(epoch, i)], static[(epoch + 3, i)]) for i in range(len(static)))
        assert all(same(static[(epoch, i)], dynamic[(epoch, i)]) for i in range(len(static)))
    assert not any(same(static[(0, i)], static[(1, i)]) for i in range(len(static)) if len(static[i]["labels"]) > 3)
    assert not any(same(dynamic[(0, i)], dynamic[(3, i)]) for i in range(len(static)) if len(static[i]["labels"]) > 3)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """Blocks of a WordPiece vocabulary whose words have one to three pieces, and the tokenizer."""
    generator = np.random.default_rng(0)

    def word():
        return f"word{generator.integers(30)}" + "".join(generator.choice([*"abcde"], generator.integers(3)))

    given = ["\n".join(" ".join(word() for _ in range(6)) for _ in range(5)) for _ in range(40)]
    folder = lines.packed(tmp_path_factory.mktemp("pieces"), given=given, tokenizer=wordpiece(), block_length=LENGTH)
    return {"bert": Blocks(folder / "train.arrow")}


@pytest.mark.parametrize("faithful", [False, True])
@pytest.mark.parametrize("rate", [0.1, 0.15, 0.4])
def test_whole_words_are_never_split_and_fill_the_count_as_far_as_they_fit(pieces, rate, faithful):
    tokenizer = wordpiece()
    ours = data(pieces, "bert", tokenizer=tokenizer, rate=rate, masking={"whole_words": True, "faithful": faithful})
    special = np.isin(np.arange(len(tokenizer)), tokenizer.all_special_ids)
    names = np.array(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
    sizes = defaultdict(int)
    for index in range(len(ours)):
        true, _ = ours.blocks[index]
        positions = set(ours[(0, index)]["positions"].tolist())
        count = max(1, round(rate * (len(true) if faithful else (~special[true]).sum())))
        words = []
        for place, token in enumerate(true):
            goes_on = names[token].startswith("##") and not special[true[place - 1]]
            words[-1].append(place) if goes_on else words.append([place])
        ordinary = [word for word in words if not special[true[word[0]]]]
        for word in ordinary:
            assert len(positions & set(word)) in (0, len(word)), "a word is predicted as a whole"
            sizes[len(word)] += bool(positions & set(word))
        left = [len(word) for word in ordinary if not positions & set(word)]
        assert len(positions) <= count < len(positions) + min(left), "none that is left out would have fitted"
    assert min(sizes[1], sizes[2], sizes[3]) > 0


def test_whole_words_by_hand():
    """Words of 1, 2 and 3 pieces and a count of 3: either the long one alone or the two others, in any order."""
    maskable = np.array([0, 1, 1, 1, 1, 1, 1, 0], dtype=bool)
    first = np.array([1, 1, 1, 0, 1, 0, 0, 1], dtype=bool)
    draws = training_draws(0)
    found = [tuple(masking.choose_words(maskable, first, 3, draws(0, i)).tolist()) for i in range(600)]
    assert set(found) == {(1, 2, 3), (4, 5, 6)}
    assert found.count((4, 5, 6)) / 600 == pytest.approx(1 / 3, abs=4 * np.sqrt(2 / 9 / 600))
    assert len(masking.choose_words(maskable, first, 0, draws(0, 0))) == 0
    assert len(masking.choose_words(np.zeros(8, dtype=bool), first, 3, draws(0, 0))) == 0


def test_whole_words_need_a_vocabulary_that_marks_them(blocks):
    import transformers
    from tokenizers import Tokenizer, models

    core = Tokenizer(models.BPE({symbol: number for number, symbol in enumerate([*tiny.SPECIAL, "a"])}, []))
    names = {f"{token.strip('[]').lower()}_token": token for token in tiny.SPECIAL}
    unmarked = transformers.PreTrainedTokenizerFast(tokenizer_object=core, **names)
    with pytest.raises(UserError, match="whole_words: false"):
        data(blocks, "bert", tokenizer=unmarked, masking={"whole_words": True})


def test_labels_are_true_and_padding_is_never_touched(blocks):
    for name in OBJECTIVES:
        ours = data(blocks, name, rate=0.9)
        for index in range(len(ours)):
            (true, document_ids), example = ours.blocks[index], ours[(3, index)]
            untouched = np.setdiff1d(np.arange(LENGTH), example["positions"])
            assert np.array_equal(example["labels"], true[example["positions"]])
            assert np.array_equal(example["input_ids"][untouched], true[untouched])
            assert (document_ids[example["positions"]] >= 0).all()
            if ours.blocks.padded:
                assert np.array_equal(example["attention_mask"], document_ids >= 0)
            else:
                assert "attention_mask" not in example


def test_the_yardstick_leaves_out_padding_and_what_is_never_predicted(blocks):
    tokenizer = tiny.tokenizer()
    for specials, counted in ((False, set()), ([1, 4], {1}), (True, {1, 2, 3})):
        share = np.exp(log_frequencies(blocks["bert-nsp"], tokenizer, specials=specials))
        assert share.sum() == pytest.approx(1)
        smallest = share.min()
        assert {number for number in range(SPECIAL) if share[number] > 2 * smallest} == counted


def test_mpnet_on_full_sentences_leaves_padding_alone_unless_faithful(tmp_path):
    folder = lines.packed(
        tmp_path, block_length=LENGTH, vocabulary="fairseq", layout=LAYOUTS["roberta"], tokenizer=tiny.tokenizer()
    )
    blocks, tokenizer = Blocks(folder / "train.arrow"), load_tokenizer(folder / "tokenizer")
    hit = 0
    for faithful in (False, True):
        spec = ObjectiveSpec.parse(
            {"name": "mpnet", "document_attention": not faithful, "permuted": {"faithful": faithful}}
        )
        ours = permuted_blocks.PermutedBlocks(blocks, spec, tokenizer, training_draws(0), masks_only=False)
        for index in range(len(ours)):
            example, padding = ours[(0, index)], blocks[index][1] < 0
            if faithful:
                width = ours.lengths[index]
                assert padding[width:].all(), "only padding is cut off"
                padding = padding[:width]
            assert np.array_equal(example["attention_mask"], ~padding)
            on_padding = padding[example["positions"]]
            if faithful:
                assert len(on_padding) == max(1, round(0.15 * width)), "one count for all blocks of a batch"
                assert (example["labels"][on_padding] == IGNORED).all()
                hit += on_padding.sum()
            else:
                assert not on_padding.any()
    assert hit > 0
