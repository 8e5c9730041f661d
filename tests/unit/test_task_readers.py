"""Proves that labelled data become tasks whose splits share no text and follow from the seed alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scriptorium.tasks import paraphrase
from scriptorium.tasks.splits import components, draw, sizes, split
from scriptorium.tasks.word_overlap import overlap, overlap_baseline, words
from tests.raw import Raw

LIMITS = {"train": 30, "validation": 10, "test": 20}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def table(rows: list[tuple[str, ...]], header: str = "text\tlabel") -> dict[str, str]:
    return {"data.tsv": "\n".join([header, *("\t".join(row) for row in rows)]) + "\n"}


def many(count: int) -> list[tuple[str, str]]:
    return [(f"Sentence {n} is here.", "good" if n % 4 == 0 else "bad") for n in range(count)]


# --- splits -------------------------------------------------------------------------------------------------------


def test_examples_that_share_a_text_are_one_component():
    groups = components([("a", "b"), ("c", "d"), ("B ", "e"), ("f",), ("E", "c")])
    assert groups == [0, 0, 0, 3, 0]


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_never_split_and_no_quota_is_exceeded(seed):
    rng = np.random.default_rng(seed)
    groups, labels = rng.integers(60, size=200).tolist(), rng.choice(["a", "b"], size=200).tolist()
    limits = {"train": 80, "validation": 30, "test": 40}
    found = split(groups, labels, limits, seed)
    for one, other in itertools.combinations(found.values(), 2):
        assert not {groups[n] for n in one} & {groups[n] for n in other}
    assert all(len(found[name]) <= limit for name, limit in limits.items())
    assert len(found["test"]) >= 36


def test_limits_are_met_exactly_where_groups_are_single_and_labels_keep_their_shares():
    labels = ["good"] * 80 + ["bad"] * 320
    found = split(range(400), labels, LIMITS, 0)
    assert {name: len(rows) for name, rows in found.items()} == LIMITS
    assert [sum(labels[n] == "good" for n in found[name]) for name in LIMITS] == [6, 2, 4]


def test_without_limits_everything_is_used_70_15_15():
    found = split(range(200), ["x"] * 200, {}, 0)
    assert {name: len(rows) for name, rows in found.items()} == {"train": 140, "validation": 30, "test": 30}
    assert sizes(100, {"train": 1000, "validation": 10, "test": 1000}) == {"train": 75, "validation": 10, "test": 15}


def test_split_is_a_function_of_the_seed():
    arguments = (range(400), ["x"] * 400, LIMITS)
    assert split(*arguments, 3) == split(*arguments, 3) != split(*arguments, 4)
    assert sorted(draw(["x"] * 10, 99, 0)) == list(range(10)) and len(draw(["x"] * 10, 4, 0)) == 4


# --- tsv ----------------------------------------------------------------------------------------------------------


def test_table_becomes_three_splits_with_numbered_labels(raw):
    made = raw.task("tsv", table(many(80)), limits=LIMITS)
    assert {name: len(frame) for name, frame in made.items()} == LIMITS
    for frame in made.values():
        assert list(frame.columns) == ["id", "text", "text_b", "label"]
        assert frame["label"].dtype == "int64" and frame["text_b"].isna().all()
        expected = [int(int(text.split()[1]) % 4 == 0) for text in frame["text"]]
        assert frame["label"].tolist() == expected
    texts = [text for frame in made.values() for text in frame["text"]]
    assert len(texts) == len(set(texts))


def test_repeated_texts_are_kept_once_and_disputed_ones_not_at_all(raw):
    rows = [*many(40), ("Sentence 1 is  here.", "bad"), ("SENTENCE 2 is here.", "good")]
    made = raw.task("tsv", table(rows))
    texts = [text for frame in made.values() for text in frame["text"]]
    assert len(texts) == 39 and "Sentence 2 is here." not in texts
    assert any("3 of 42 examples left out" in note for note in raw.events("note"))


def test_pairs_with_a_text_in_common_stay_in_one_split(raw):
    rows = [(f"first {n // 2}", f"second {n}", "good" if n % 2 else "bad") for n in range(80)]
    made = raw.task("tsv", table(rows, "text\ttext_b\tlabel"))
    firsts = [set(frame["text"]) for frame in made.values()]
    assert not any(a & b for a, b in itertools.combinations(firsts, 2))
    assert any("baseline/word_overlap_accuracy" in metrics for metrics in raw.events("metrics"))


def test_splits_of_the_source_are_kept_and_train_gives_up_what_test_holds(raw):
    rows = [
        ("a", "good", "train"),
        ("b", "bad", "train"),
        ("A", "good", "test"),
        ("c", "bad", "dev"),
        ("d", "bad", "test"),
    ]
    made = raw.task("tsv", table(rows, "text\tlabel\tsplit"))
    assert {name: sorted(frame["text"]) for name, frame in made.items()} == {
        "train": ["b"],
        "validation": ["c"],
        "test": ["A", "d"],
    }


def test_files_named_after_splits_are_the_splits(raw):
    files = {f"{name}.csv": f"text,label\n{name} one,good\n{name} two,bad\n" for name in ("train", "dev", "test")}
    made = raw.task("tsv", files, limits={"train": 1})
    assert [len(made[name]) for name in ("train", "validation", "test")] == [1, 2, 2]
    assert set(made["validation"]["text"]) == {"dev one", "dev two"}


def test_regression_labels_are_numbers(raw):
    rows = [(f"text {n}", str(n / 4)) for n in range(40)]
    made = raw.task("tsv", table(rows), kind="regression", labels=())
    assert made["train"]["label"].dtype == "float64"
    assert all(
        label == int(text.split()[1]) / 4
        for text, label in zip(made["test"]["text"], made["test"]["label"], strict=True)
    )


def test_same_task_gives_the_same_bytes_and_another_seed_another_split(raw, tmp_path):
    def content(seed):
        raw.task("tsv", table(many(80)), limits=LIMITS, split_seed=seed)
        return [path.read_bytes() for path in sorted((tmp_path / "out").iterdir())]

    assert content(0) == content(0) != content(1)


# --- vader --------------------------------------------------------------------------------------------------------


def vader(*ratings: float) -> str:
    return "".join(f"{n}\t{rating}\tThe film number {n}.\r\n" for n, rating in enumerate(ratings))


def test_ratings_near_zero_are_left_out_and_the_threshold_itself_counts(raw):
    files = {
        "movieReviewSnippets_GroundTruth.txt": vader(*[0.5, -0.5, 0.49, -0.49, 3.0, -3.0, 0.0] * 5),
        "tweets_GroundTruth.txt": "",
    }
    made = raw.task("vader", files, labels=("negative", "positive"))
    labels = {
        int(i.removeprefix("movie-")): label
        for frame in made.values()
        for i, label in zip(frame["id"], frame["label"], strict=True)
    }
    assert labels == {n: int(n % 7 in (0, 4)) for n in range(35) if n % 7 in (0, 1, 4, 5)}


def test_domain_and_threshold_are_options(raw):
    files = {"tweets_GroundTruth.txt": vader(*[1.0, -1.0, 2.0, -2.0] * 5)}
    made = raw.task("vader", files, labels=("negative", "positive"), options={"domain": "tweets", "threshold": 2})
    assert sum(map(len, made.values())) == 10
    made = raw.task("vader", files, kind="regression", labels=(), options={"domain": "tweets"})
    assert set(made["train"]["label"]) <= {1.0, -1.0, 2.0, -2.0}


# --- paraphrases from Tatoeba -------------------------------------------------------------------------------------


def tatoeba(path, groups: int = 30):
    """Groups of two English sentences with one German translation, and many others of similar words."""
    verbs, nouns = ("sees", "hears", "likes", "finds", "takes"), ("wolf", "bird", "fish", "book", "door", "tree")
    rows, number = [], 0
    for g, (verb, noun) in zip(range(groups), itertools.product(verbs, nouns), strict=True):
        for name in ("Tom", "He surely"):
            rows.append(
                [str(number := number + 1), "j", f"{name} {verb} the {noun}.", "-", f"Er {g}.", "-", "-", "-", "-"]
            )
        for name in ("Mary", "Nobody", "Someone"):
            rows.append(
                [str(number := number + 1), "j", f"{name} {verb} the {noun}.", "-", f"{name} {g}.", "-", "-", "-", "-"]
            )
    rows.append(["9", "j", "Only French knows this bird.", "-", "-", "oui", "-", "-", "-"])
    rows.append(["9", "j", "Nothing translates this wolf.", "-", "-", "-", "-", "-", "-"])
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_positives_share_a_translation_and_negatives_are_known_not_to(tmp_path):
    path = tatoeba(tmp_path / "SENTENCES")
    german = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        german[cells[2]] = cells[4]
    pairs = paraphrase.read_pairs(path, 0)
    assert sum(pair.same for pair in pairs) == sum(not pair.same for pair in pairs) == 30
    for pair in pairs:
        assert pair.text != pair.text_b and "-" not in (german[pair.text], german[pair.text_b])
        assert (german[pair.text] == german[pair.text_b]) == pair.same


def test_negatives_overlap_about_as_much_as_positives(tmp_path):
    pairs = paraphrase.read_pairs(tatoeba(tmp_path / "SENTENCES"), 0)
    mean = {
        same: np.mean([overlap(words(p.text), words(p.text_b)) for p in pairs if p.same == same])
        for same in (True, False)
    }
    assert abs(mean[True] - mean[False]) < 0.15


def test_no_sentence_is_in_two_splits_and_labels_are_balanced(raw, tmp_path):
    files = {"SENTENCES": tatoeba(tmp_path / "SENTENCES").read_text(encoding="utf-8")}
    made = raw.task(
        "tatoeba_paraphrase",
        files,
        labels=("different", "paraphrase"),
        limits={"train": 30, "validation": 10, "test": 16},
    )
    texts = [set(frame["text"]) | set(frame["text_b"]) for frame in made.values()]
    assert not any(a & b for a, b in itertools.combinations(texts, 2))
    assert {name: frame["label"].mean() for name, frame in made.items()} == {
        "train": 0.5,
        "validation": 0.5,
        "test": 0.5,
    }


def test_pairs_follow_from_the_seed(tmp_path):
    path = tatoeba(tmp_path / "SENTENCES")
    assert paraphrase.read_pairs(path, 1) == paraphrase.read_pairs(path, 1) != paraphrase.read_pairs(path, 2)


def test_overlap_baseline_is_what_word_overlap_alone_can_do(raw):
    same = [(f"the wolf number {n}", f"the wolf number {n} runs", "good") for n in range(30)]
    rows = same + [(f"the bird number {n}", f"unlike {n}", "bad") for n in range(30, 60)]
    made = raw.task("tsv", table(rows, "text\ttext_b\tlabel"))
    assert overlap_baseline(made["train"], made["test"]) == 1.0


def test_tables_with_and_without_a_second_text_mix(raw):
    files = {
        "one.csv": "text,label\n" + "".join(f"only {n},good\n" for n in range(20)),
        "two.csv": "text,text_b,label\n" + "".join(f"left {n},right {n},bad\n" for n in range(20)),
    }
    made = raw.task("tsv", files)
    assert sum(len(frame) for frame in made.values()) >= 38
    assert made["train"].groupby("label")["text_b"].count().to_dict() == {0: 14, 1: 0}
