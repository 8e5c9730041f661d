"""Task examples become the right tensors: pieces, truncation, padding, and for every piece its word's cognition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import transformers

from scriptorium.cognition.words import SCORES, Words, control, merge, span_means
from scriptorium.engine.plan import EpochSampler
from scriptorium.errors import UserError
from scriptorium.linguistics.annotate import text_key
from scriptorium.linguistics.features import ALPHA_ORDER, FEATURES, LOWER, SPANS, UPPER
from scriptorium.tasks.examples import IGNORED, Examples, collate, shortest_first
from scriptorium.tasks.kind import kind_of
from tests.finetuning import annotated

KINDS = ("gaze", "flags", "shuffled", "random", "zero")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> transformers.PreTrainedTokenizerFast:
    """Lower-cased WordPiece: known words whole, others letter by letter."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = ["the", "old", "monk", "copied", "a", "book", ".", "it", "was", "fine"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), *words]
    path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    path.write_text("\n".join(dict.fromkeys(vocabulary)) + "\n", encoding="utf-8")
    return transformers.BertTokenizerFast(vocab=str(path))


def table(texts: list[str], seconds: list[str | None] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"e{i}" for i in range(len(texts))],
            "text": texts,
            "text_b": seconds or [None] * len(texts),
            "label": np.arange(len(texts)) % 2,
        }
    )


A, B = "The old  monk copied zyx.", "It was a fine book."


def test_features_have_one_order_and_the_papers_figures_are_a_permutation_of_it():
    assert (*LOWER, *UPPER) == FEATURES
    assert set(ALPHA_ORDER) == set(FEATURES)
    paper = ("word_length", "content", "ner", "word_position", "emotion", "noun_phrase", "mod_aux", "compl_obj")
    assert paper == ALPHA_ORDER
    assert SCORES[2] == "score_ner"
    assert SPANS[0] == "noun_phrase_span"


def test_every_piece_of_a_word_has_the_words_score_and_specials_have_none(tokenizer):
    words = annotated(A)
    example = Examples(table([A]), tokenizer, 64, Words(words))[0]
    pieces = tokenizer.convert_ids_to_tokens(example["input_ids"])
    assert pieces == ["[CLS]", "the", "old", "monk", "copied", "z", "##y", "##x", ".", "[SEP]"]
    word = [0, 1, 2, 3, 4, 4, 4, 4]  # the full stop is part of the word "zyx."
    assert torch.equal(example["lower"][:, 1:-1], torch.tensor(words[list(SCORES[:4])].to_numpy().T[:, word]).float())
    for name, value in (("lower", 0), ("upper_scores", 0), ("upper_spans", -1)):
        assert (example[name][:, [0, -1]] == value).all()
    assert example["readability"] == pytest.approx(0.5)


def test_an_upper_score_is_the_mean_over_the_words_of_its_span():
    scores = np.array([[1.0, 4], [3, 6], [5, 8], [7, 10]], np.float32)
    spans = np.array([[0, -1], [0, 2], [-1, 0], [3, 2]])
    assert span_means(scores, spans).tolist() == [[2, 0], [2, 8], [0, 8], [7, 8]]


def test_a_long_word_does_not_count_more_often_in_the_mean_of_its_span(tokenizer):
    words = annotated(A).assign(emotion_span=0)
    example = Examples(table([A]), tokenizer, 64, Words(words))[0]
    expected = np.float32(words["score_emotion"].mean())
    assert example["upper_scores"][UPPER.index("emotion"), 1:-1].tolist() == pytest.approx([expected] * 8)


def test_the_texts_of_a_pair_share_no_span_and_their_readability_is_averaged(tokenizer):
    words = annotated(A, B)
    example = Examples(table([A], [B]), tokenizer, 64, Words(words))[0]
    segment = example["token_type_ids"]
    pieces = tokenizer.convert_ids_to_tokens(example["input_ids"])
    assert pieces[9] == pieces[-1] == "[SEP]"
    for spans in example["upper_spans"]:
        first, second = (set(spans[segment == s].tolist()) - {-1} for s in (0, 1))
        assert first
        assert second
        assert not first & second
    book = pieces.index("book")
    assert example["lower"][:, book].tolist() == words[words["word"] == "book."][list(SCORES[:4])].iloc[0].tolist()
    assert example["readability"] == pytest.approx(0.5)
    assert torch.equal(
        example["lower"][:, 10:-1], Examples(table([B]), tokenizer, 64, Words(words))[0]["lower"][:, 1:-1]
    )


def test_truncation_is_counted_and_keeps_the_scores_of_what_is_left(tokenizer):
    words = Words(annotated(A, B))
    whole, cut = (Examples(table([A, B]), tokenizer, length, words) for length in (64, 9))
    assert (whole.truncated, cut.truncated) == (0, 1)
    assert cut.lengths.tolist() == [9, 8]
    assert torch.equal(cut[0]["lower"][:, :-1], whole[0]["lower"][:, :8])
    assert torch.equal(cut[0]["upper_scores"][:, :-1], whole[0]["upper_scores"][:, :8])


def test_a_batch_is_padded_to_its_longest_with_nothing(tokenizer):
    data = Examples(table([A, B]), tokenizer, 64, Words(annotated(A, B)))
    for multiple, width in ((1, 10), (8, 16)):
        batch = collate(tokenizer.pad_token_id, multiple)([data[(3, 0)], data[1]])
        assert batch["input_ids"].shape == batch["attention_mask"].shape == (2, width)
        assert batch["attention_mask"].sum(1).tolist() == [10, 8]
        assert (batch["input_ids"][1, 8:] == 0).all()
        assert batch["lower"].shape == batch["upper_spans"].shape == (2, 4, width)
        assert (batch["lower"][1, :, 8:] == 0).all()
        assert (batch["upper_spans"][1, :, 8:] == -1).all()
        assert batch["labels"].tolist() == [0, 1]
        assert batch["readability"].tolist() == pytest.approx([0.5, 0.5])


def test_the_epoch_does_not_change_an_example(tokenizer):
    data = Examples(table([A, B]), tokenizer, 64, Words(annotated(A, B), "random", seed=3))
    assert all(torch.equal(data[(0, 1)][name], data[(7, 1)][name]) for name in data[1])


def test_without_words_there_is_no_cognition(tokenizer):
    assert set(Examples(table([A]), tokenizer, 64)[0]) == {"input_ids", "token_type_ids", "labels"}


def test_a_text_without_annotation_is_an_error_that_names_it(tokenizer):
    with pytest.raises(UserError, match=r"It was a fine book.*no annotation"):
        Examples(table([A, B]), tokenizer, 64, Words(annotated(A)))
    with pytest.raises(UserError, match="4 annotated words instead of 5"):
        Examples(table([A]), tokenizer, 64, Words(annotated(A).iloc[:-1]))


def test_annotations_without_scores_are_an_error():
    with pytest.raises(UserError, match="score_ner"):
        Words(annotated(A).drop(columns="score_ner"))


# --- controls ---------------------------------------------------------------------------------------------------------


def arrays(words: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return words[list(FEATURES)].to_numpy(np.float32), words[list(SCORES)].to_numpy(np.float32)


LONG = " ".join(f"w{i}" for i in range(40))


@pytest.mark.parametrize("kind", KINDS)
def test_a_control_is_a_pure_function_of_seed_and_text(kind):
    flags, scores = arrays(annotated(LONG))
    first = control(kind, flags, scores, 1, text_key(LONG))
    np.random.default_rng(0).random(5)
    assert np.array_equal(first, control(kind, flags, scores, 1, text_key(LONG)))
    if kind in ("shuffled", "random"):
        assert not np.array_equal(first, control(kind, flags, scores, 2, text_key(LONG)))
        assert not np.array_equal(first, control(kind, flags, scores, 1, text_key(A)))


def test_shuffling_keeps_flags_and_values_and_moves_them_among_the_words_that_have_the_feature():
    flags, scores = arrays(annotated(LONG))
    shuffled = control("shuffled", flags, scores, 0, text_key(LONG))
    assert np.array_equal(np.sort(shuffled, axis=0), np.sort(scores, axis=0))
    assert np.array_equal(shuffled != 0, flags != 0)
    assert (shuffled != scores).any(axis=0).all()


def test_random_scores_lie_in_the_unit_interval_where_the_flag_is_set_and_nowhere_else():
    flags, scores = arrays(annotated(LONG))
    values = control("random", flags, scores, 0, text_key(LONG))
    assert np.array_equal(values != 0, flags != 0)
    assert ((values >= 0) & (values < 1)).all()


def test_the_other_controls_are_the_flags_the_scores_and_nothing():
    flags, scores = arrays(annotated(LONG))
    assert np.array_equal(control("gaze", flags, scores, 0, "0"), scores)
    assert np.array_equal(control("flags", flags, scores, 0, "0"), flags)
    assert not control("zero", flags, scores, 0, "0").any()


def test_a_control_changes_scores_and_leaves_spans_alone(tokenizer):
    words = annotated(A, B)
    examples = {kind: Examples(table([A], [B]), tokenizer, 64, Words(words, kind, 1))[0] for kind in KINDS}
    for kind, example in examples.items():
        assert torch.equal(example["upper_spans"], examples["gaze"]["upper_spans"])
        assert torch.equal(example["lower"], examples["gaze"]["lower"]) == (kind == "gaze")
        assert example["lower"].dtype == example["upper_scores"].dtype == torch.float32


def test_merge_takes_plain_offsets(tokenizer):
    words = Words(annotated(A))
    encoded = tokenizer(A, return_offsets_mapping=True)
    merged = merge([words[A]], encoded["offset_mapping"], encoded.sequence_ids(0))
    assert np.array_equal(merged["lower"], Examples(table([A]), tokenizer, 64, words)[0]["lower"].numpy())


# --- splits and order -------------------------------------------------------------------------------------------------


def test_shortest_first_sorts_and_remembers_the_row():
    ordered = shortest_first(table(["ccc", "a", "bb", "b"]))
    assert ordered["text"].tolist() == ["a", "b", "bb", "ccc"]
    assert ordered.sort_index()["id"].tolist() == ["e0", "e1", "e2", "e3"]


def test_a_split_is_read_with_its_labels_checked(tmp_path):
    path = tmp_path / "train.parquet"
    table(["a", "b"]).to_parquet(path)
    assert kind_of("classification").read(path, ("no", "yes"))["label"].tolist() == [0, 1]
    assert kind_of("regression").read(path, ())["label"].dtype == np.float32
    with pytest.raises(UserError, match=r"train.parquet, id 'e1': label 1 is not one of 0..0 \(no\)"):
        kind_of("classification").read(path, ("no",))
    table(["a", "b"]).assign(label=[0.5, np.nan]).to_parquet(path)
    with pytest.raises(UserError, match="not a finite number"):
        kind_of("regression").read(path, ())
    table(["a", "b"], ["c", None]).to_parquet(path)
    with pytest.raises(UserError, match=r"id 'e1': text_b is missing"):
        kind_of("classification").read(path, ("no", "yes"))
    table([]).to_parquet(path)
    with pytest.raises(UserError, match="no examples"):
        kind_of("classification").read(path, ("no", "yes"))


@pytest.mark.parametrize("count", [1, 16, 333, 1000])
def test_batches_of_similar_length_are_a_permutation_with_little_padding(count):
    lengths = np.random.default_rng(0).integers(5, 64, count)
    sampler = EpochSampler(count, 3, lengths, 16)
    sampler.epoch = 2
    epochs, order = zip(*sampler, strict=True)
    assert set(epochs) == {2}
    assert sorted(order) == list(range(count))
    assert list(sampler) == list(sampler_at(2, count, 3, lengths, 16))

    def padded(indices) -> int:
        batches = [lengths[list(indices[i : i + 16])] for i in range(0, count, 16)]
        return sum(len(batch) * batch.max() for batch in batches)

    if count == 1000:
        plain = [index for _, index in EpochSampler(count, 3)]
        assert padded(order) < 1.12 * lengths.sum() < 1.5 * lengths.sum() < padded(plain)
        means = np.array([lengths[list(order[i : i + 16])].mean() for i in range(0, 992, 16)])
        assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 0.4, "batches come in no order of length"


def sampler_at(epoch: int, *arguments) -> EpochSampler:
    sampler = EpochSampler(*arguments)
    sampler.epoch = epoch
    return sampler


# --- a label per word ---------------------------------------------------------------------------------------------

NAMES = ("O", "B-X", "I-X")


def word_table(texts: list[str], labels: list) -> pd.DataFrame:
    made = table(texts)
    cells = np.empty(len(labels), object)
    for i, label in enumerate(labels):
        cells[i] = label
    return made.assign(label=cells)


def first_pieces(tokenizer, text: str) -> list[int]:
    """Places of the first pieces, by tokenising word after word."""
    places, place = [], 1
    for word in text.split():
        places.append(place)
        place += len(tokenizer.tokenize(word))
    return places


def test_a_words_tag_stands_at_its_first_piece_and_nowhere_else(tokenizer):
    labels = [np.array([0, 1, 2, 0, 1]), np.array([1, 2, 0, 0, 2])]
    data = Examples(word_table([A, B], labels), tokenizer, 64)
    for number, text in enumerate((A, B)):
        found = data[number]["labels"]
        assert found.dtype == torch.int64 and found.shape == data[number]["input_ids"].shape
        places = first_pieces(tokenizer, text)
        assert torch.nonzero(found != IGNORED).flatten().tolist() == places
        assert found[places].tolist() == labels[number].tolist()
    assert data.words_cut == 0
    assert len(first_pieces(tokenizer, A)) < len(data[0]["input_ids"]) - 2  # or every piece would be a first one


def test_measures_of_a_word_stand_at_its_first_piece(tokenizer):
    label = np.arange(10, dtype=np.float32).reshape(5, 2)
    found = Examples(word_table([A], [label]), tokenizer, 64)[0]["labels"]
    assert found.dtype == torch.float32
    places = first_pieces(tokenizer, A)
    assert torch.equal(found[places], torch.from_numpy(label))
    others = np.setdiff1d(np.arange(len(found)), places)
    assert (found[others] == IGNORED).all()


def test_words_behind_the_cut_have_no_label_and_are_counted(tokenizer):
    data = Examples(word_table([A, B], [np.arange(5), np.arange(5)]), tokenizer, 6)
    assert data.truncated == 2
    assert data[0]["labels"].tolist() == [IGNORED, 0, 1, 2, 3, IGNORED]
    assert data.words_cut == 1 + sum(place > 4 for place in first_pieces(tokenizer, B))


def test_labels_of_words_are_padded_with_what_is_ignored(tokenizer):
    tags = Examples(word_table([A, B], [np.arange(5)] * 2), tokenizer, 64)
    measures = Examples(word_table([A, B], [np.ones((5, 3), np.float32)] * 2), tokenizer, 64)
    for data, shape in ((tags, (2, 16)), (measures, (2, 16, 3))):
        batch = collate(tokenizer.pad_token_id, 8)([data[0], data[1]])
        assert batch["labels"].shape == shape and batch["labels"].dtype == data[0]["labels"].dtype
        for row, length in enumerate(data.lengths):
            assert torch.equal(batch["labels"][row, :length], data[row]["labels"])
            assert (batch["labels"][row, length:] == IGNORED).all()
        assert batch["input_ids"].shape == (2, 16)


def test_a_word_without_pieces_is_read_as_unknown_and_counted(tokenizer):
    made = Examples(word_table(["The \x07 monk"], [np.arange(3)]), tokenizer, 64)
    labels = made[0]["labels"]
    assert labels[labels != IGNORED].tolist() == [0, 1, 2]
    assert made.words_unknown == 1


def write(path, kind: str, texts: list[str], labels: list):
    made = word_table(texts, labels)
    if kind == "gaze":
        made["label"] = [[list(row) for row in label] for label in labels]
    made.to_parquet(path, index=False)
    return path


def test_labels_per_word_are_read_as_arrays(tmp_path):
    tags = kind_of("tagging").read(write(tmp_path / "a.parquet", "tagging", [A, B], [np.arange(5) % 3] * 2), NAMES)
    assert tags["label"][1].dtype == np.int64 and tags["label"][1].tolist() == [0, 1, 2, 0, 1]
    measures = [np.arange(10, dtype=np.float32).reshape(5, 2)] * 2
    gaze = kind_of("gaze").read(write(tmp_path / "b.parquet", "gaze", [A, B], measures), ("n_fix", "trt"))
    assert gaze["label"][1].dtype == np.float32 and gaze["label"][1].tolist() == measures[1].tolist()


@pytest.mark.parametrize(
    ("kind", "label", "part"),
    [
        ("tagging", np.arange(4) % 3, r"id 'e0': label \[0 1 2 0\] is not one of 0..2 for each of 5 words"),
        ("tagging", np.full(5, 3), "is not one of 0..2"),
        ("gaze", np.ones((4, 3)), r"is not 3 finite numbers \(O, B-X, I-X\) for each of 5 words"),
        ("gaze", np.ones((5, 2)), "is not 3 finite numbers"),
        ("gaze", np.full((5, 3), np.nan), "is not 3 finite numbers"),
    ],
)
def test_labels_that_are_not_one_per_word_are_refused(tmp_path, kind, label, part):
    with pytest.raises(UserError, match=part):
        kind_of(kind).read(write(tmp_path / "a.parquet", kind, [A], [label]), NAMES)


# --- rules that a recipe may change -----------------------------------------------------------------------------------


def test_the_first_piece_alone_or_equal_shares_can_carry_the_words_score(tokenizer):
    words = annotated(A)
    every, first, share = (
        Examples(table([A]), tokenizer, 64, Words(words, pieces=rule))[0]["lower"] for rule in ("all", "first", "share")
    )
    long = slice(5, 9)  # "zyx." is four pieces
    assert torch.equal(first[:, 5], every[:, 5])
    assert not first[:, 6:9].any()
    assert torch.allclose(share[:, long], every[:, long] / 4)
    for shorter in (first, share):
        assert torch.equal(shorter[:, 1:5], every[:, 1:5]), "a word of one piece is the same under every rule"


def test_dropped_features_are_zero_and_the_others_stay(tokenizer):
    def example(*drop: str) -> dict:
        return Examples(table([A]), tokenizer, 64, Words(annotated(A), drop=drop))[0]

    whole = example()
    for name, key in (("lower", "lower"), ("upper", "upper_scores"), ("readability", "readability")):
        found = example(name)
        assert whole[key].any()
        assert not found[key].any()
        for other in {"lower", "upper_scores", "readability"} - {key}:
            assert torch.equal(found[other], whole[other])


def test_for_the_gaze_loss_every_piece_has_its_words_fixation_count(tokenizer):
    words = annotated(A).assign(n_fix_predicted=[0.0, 1.0, 2.0, 3.0, 4.0])
    data = Examples(table([A, B]), tokenizer, 64, Words(pd.concat([words, annotated(B)]), gives="n_fix"))
    n_fix = data[0]["n_fix"]
    assert n_fix[1:-1].tolist() == [0, 1, 2, 3, 4, 4, 4, 4]
    assert n_fix[[0, -1]].isnan().all()
    assert collate(tokenizer.pad_token_id)([data[0], data[1]])["n_fix"][1, 8:].isnan().all()
