"""Proves that sentence pairs are BERT's: nothing lost, halves joined and halves not, cut at random ends, laid out as
[CLS] A [SEP] B [SEP]; and that what cannot give pairs is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from scriptorium.config.pretraining import PretrainRecipe
from scriptorium.errors import UserError
from scriptorium.stage import execute
from scriptorium.stages import pack
from scriptorium.text import sentence_pairs
from scriptorium.text.blocks import Blocks
from scriptorium.text.sentences import one_per_line
from tests import lines, tiny

PAD, CLS, SEP = 0, 2, 3
LENGTH = 32
LAYOUT = {"name": "sentence-pairs", "sentences": "lines", "copies": 1}


def corpus(documents=40, sentences=(1, 12), seed=0):
    """Documents as lists of sentences; every token of the corpus is another number."""
    generator = np.random.default_rng(seed)
    token, made = 100, []
    for _ in range(documents):
        made.append([])
        for size in generator.integers(1, 10, generator.integers(*sentences)):
            made[-1].append(np.arange(token, token + size, dtype=np.int32))
            token += size
    return made


def pairs_of(documents, number, target=20, content=10_000, seed=0):
    return list(sentence_pairs.pairs(documents, number, target, content, np.random.default_rng([seed, number])))


def test_a_document_comes_once_in_its_order_and_unused_sentences_are_put_back():
    documents = corpus()
    for number, document in enumerate(documents):
        own = [
            np.concatenate([pair.first, pair.second]) if pair.follows else pair.first
            for pair in pairs_of(documents, number)
        ]
        assert np.concatenate(own).tolist() == np.concatenate(document).tolist()


def test_second_text_is_the_continuation_or_comes_from_another_document():
    documents = corpus()
    owner = {int(token): i for i, document in enumerate(documents) for sentence in document for token in sentence}
    for number in range(len(documents)):
        for pair in pairs_of(documents, number):
            assert {owner[int(token)] for token in pair.first} == {number}
            assert {owner[int(token)] for token in pair.second} == {pair.other}
            assert (np.diff(pair.second) == 1).all()
            if pair.follows:
                assert pair.second[0] == pair.first[-1] + 1 and pair.other == number
            else:
                assert pair.other != number


def test_half_of_what_could_follow_follows_and_lone_sentences_never_do():
    documents = corpus(sentences=(30, 31))
    found = [pair for seed in range(20) for number in range(40) for pair in pairs_of(documents, number, seed=seed)]
    share = np.mean([pair.follows for pair in found])
    assert 0.40 < share < 0.5, "more than half does not follow"
    lone = [[document[0]] for document in documents]
    assert not any(pair.follows for number in range(40) for pair in pairs_of(lone, number))
    # two sentences that fill the target together: one chunk of two, which is joined by a coin alone
    two = [[np.full(5, i, dtype=np.int32), np.full(5, i, dtype=np.int32)] for i in range(40)]
    first = [pairs_of(two, number, target=10, seed=seed)[0].follows for number in range(40) for seed in range(50)]
    assert np.mean(first) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(first)))


def test_first_text_is_a_random_number_of_the_first_sentences():
    ten = [np.array([i], dtype=np.int32) for i in range(10)]
    documents = [ten, ten]
    sizes = [len(pairs_of(documents, 0, target=10, seed=seed)[0].first) for seed in range(4000)]
    counts = np.bincount(sizes, minlength=10)
    assert counts[0] == 0 and len(counts) == 10
    assert counts[1:] / 4000 == pytest.approx(np.full(9, 1 / 9), abs=4 * np.sqrt(1 / 9 * 8 / 9 / 4000))


def test_truncation_takes_single_tokens_from_random_ends_of_the_longer_text():
    generator = np.random.default_rng(0)
    starts = []
    for _ in range(300):
        first, second = np.arange(generator.integers(1, 40)), 1000 + np.arange(generator.integers(1, 40))
        a, b = sentence_pairs.truncate(first, second, 30, generator)
        assert len(a) + len(b) == min(30, len(first) + len(second))
        for kept, whole in ((a, first), (b, second)):
            assert (np.diff(kept) == 1).all() and set(kept) <= set(whole)
        if len(first) <= 15 < len(second):
            assert len(a) == len(first), "the shorter one stays whole"
            starts += [b[0] - 1000] if len(first) + len(second) > 40 else []
    assert min(starts) > 0 and len(set(starts)) > 3, "some from the front"
    a, b = sentence_pairs.truncate(np.arange(5), np.arange(5), 9, generator)
    assert (len(a), len(b)) == (5, 4), "the second one if both are equally long"


def test_pairs_of_long_documents_fill_the_block_unless_they_are_short_on_purpose():
    documents = [[sentence for document in corpus(60, seed=seed) for sentence in document] for seed in range(6)]

    def sizes(short):
        maker = sentence_pairs.SentencePairs(CLS, SEP, PAD, LENGTH, copies=8, short=short)
        return np.array([(owners >= 0).sum() for _, owners, *_ in maker.blocks(documents)]), maker

    full, maker = sizes(0.0)
    assert (full == LENGTH).mean() > 0.9 and full.max() == LENGTH
    assert maker.tokens == full.sum() and maker.count == len(full) and 0.45 < maker.follow / len(full) < 0.55
    shorter, _ = sizes(1.0)
    assert (shorter == LENGTH).mean() < 0.3
    assert shorter.mean() < 0.75 * LENGTH


def test_a_block_by_hand():
    maker = sentence_pairs.SentencePairs(CLS, SEP, PAD, 12)
    pair = sentence_pairs.Pair(np.array([7, 8]), np.array([9, 10, 11]), False, 4)
    ids, owners, segments, follows = maker._row(pair, 1, 4)
    assert ids.tolist() == [CLS, 7, 8, SEP, 9, 10, 11, SEP, PAD, PAD, PAD, PAD]
    assert owners.tolist() == [1, 1, 1, 1, 4, 4, 4, 4, -1, -1, -1, -1]
    assert segments.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    assert follows.tolist() == [0]


def test_copies_differ_and_everything_repeats():
    def rows(copies, seed=0):
        maker = sentence_pairs.SentencePairs(CLS, SEP, PAD, LENGTH, copies=copies, seed=seed)
        return [np.concatenate(row).tolist() for row in maker.blocks(corpus())], maker.documents

    once, documents = rows(1)
    twice, again = rows(2)
    assert documents == again == 40
    assert twice[: len(once)] == once and twice[len(once) :] != once
    assert rows(2)[0] == twice
    assert rows(1, seed=5)[0] != once


@pytest.mark.parametrize("most", [1, 30, 1000, 10**9])
def test_windows_keep_every_document_and_never_leave_one_alone(most):
    for count in range(2, 12):
        documents = corpus(count)
        groups = list(sentence_pairs.windows(documents, most))
        assert [id(document) for group in groups for document in group] == [id(document) for document in documents]
        assert min(map(len, groups)) > 1
    assert [len(group) for group in sentence_pairs.windows(corpus(1), most)] == [1]
    assert list(sentence_pairs.windows([], most)) == []


def test_sentences_are_split_by_rule_and_lines_always_end_one():
    text = "One here. Two there! Is it three?\n\nA line without an end\n  blanks. around  "
    assert next(one_per_line([text])).split("\n") == [
        "One here.",
        "Two there!",
        "Is it three?",
        "A line without an end",
        "blanks.",
        "around",
    ]
    assert list(one_per_line(["", "word1 word2"])) == ["", "word1 word2"]


def test_packed_pairs_are_read_back_with_all_their_columns(tmp_path):
    folder = lines.packed(tmp_path, block_length=LENGTH, layout={**LAYOUT, "copies": 3})
    train, held_out = (Blocks(folder / f"{split}.arrow") for split in ("train", "validation"))
    assert train.layout == "sentence-pairs" and train.padded
    assert len(train) > 4 * 3 * len(held_out), "held-out text is taken once"
    real = 0
    for index in range(len(train)):
        input_ids, document_ids = train[index]
        extra = train.extra(index)
        size = int((document_ids >= 0).sum())
        real += size
        assert input_ids[0] == CLS and input_ids[size - 1] == SEP and (input_ids[size:] == PAD).all()
        middle = int(np.flatnonzero(input_ids == SEP)[0])
        assert (extra["segment_ids"] == [0] * (middle + 1) + [1] * (size - middle - 1) + [0] * (LENGTH - size)).all()
        assert extra["is_next"].shape == (1,)
        assert (len(set(document_ids[:size].tolist())) == 1) == bool(extra["is_next"][0])
    assert train.tokens == real


def test_single_sentences_and_a_single_document_are_refused_with_the_file_and_the_remedy(tmp_path):
    for name, given, problem in (
        ("lone", ["word1 word2"] * 30, "every document is a single sentence"),
        ("one", ["word1\nword2"] * 3, "one document only"),
    ):
        inputs = lines.write(tmp_path / name, given)
        with pytest.raises(UserError, match=problem) as error:
            execute(
                "pack",
                pack.PackSpec(block_length=LENGTH, layout=LAYOUT),
                pack.run,
                out=tmp_path / name / "out",
                inputs=inputs,
            )
        assert "documents.parquet" in str(error.value) and "remedy" in str(error.value)
        assert not (tmp_path / name / "out/manifest.json").exists()


@pytest.mark.parametrize(
    ("objective", "layout", "problem"),
    [
        ({"name": "bert-nsp"}, None, "bert-nsp needs blocks of layout sentence-pairs, these are packed"),
        (
            {"name": "bert"},
            LAYOUT,
            "bert needs blocks of layout packed or full-sentences, these are",
        ),
        ({"name": "mpnet", "document_attention": False}, {"name": "full-sentences"}, "would attend to the padding"),
        ({"name": "bert-nsp", "document_attention": True}, LAYOUT, "both sentences of a pair are seen"),
        ({"name": "roberta", "masking": {"max_predictions": 0}}, None, "greater than or equal to 1"),
        ({"name": "bert", "rate": 1.0}, None, "less than 1"),
        ({"name": "bert", "rate": 0.0}, None, "greater than 0"),
        ({"name": "mpnet", "masking": {}}, None, "mpnet has no such settings"),
        ({"name": "bert", "spans": {}}, None, "belong to xlnet"),
        ({"name": "xlnet", "mask": 0.8}, None, "xlnet replaces no token"),
    ],
)
def test_objectives_and_layouts_that_do_not_fit_are_refused_while_the_configuration_is_read(objective, layout, problem):
    recipe = {"stage": "pretrain", "corpus": "c", "tokenizer": "t", "model": {}, "train": {"max_steps": 1}}
    with pytest.raises(UserError, match=problem):
        PretrainRecipe.parse({**recipe, "objective": objective, "layout": layout})


def test_tokenizer_without_padding_is_refused(tmp_path):
    bare = tiny.tokenizer(special=["[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    with pytest.raises(UserError, match="has no pad_token"):
        lines.packed(tmp_path, tokenizer=bare, block_length=LENGTH, layout=LAYOUT)
