"""Proves that faults in tasks with several languages are refused with file, row and remedy, and that no damage of a
file makes a reader crash or a sentence get the wrong number of tags."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from scriptorium.errors import UserError
from tests.raw import Raw, damaged

BOTH = {"train": ["en"], "test": ["en", "de"]}
TAGGED = {"reader": "tagged", "kind": "tagging", "labels": ("O", "B-LOC"), "languages": BOTH}
PAIRS = {"reader": "text_pairs", "labels": ("entailment", "neutral", "contradiction"), "options": {"task": "xnli"}}
PAIRS |= {"languages": BOTH}
SQUAD = {"reader": "squad", "kind": "question_answering", "labels": (), "languages": BOTH}
TRANSLATED = {"languages": {"train": ["en", "de"], "test": ["de"]}}


def words(name: str, count: int = 12) -> str:
    return "".join(f"{name}{n}\tB-LOC\nis\tO\n\n" for n in range(count))


def rows(name: str, count: int = 12, label: str = "neutral") -> str:
    return "".join(f"{name} {n}\tthere {n}\t{label}\n" for n in range(count))


def squad(name: str, answer: str = "there", start: int | None = None) -> str:
    data = []
    for n in range(12):
        context = f"{name} {n} is there."
        place = context.find(answer) if start is None else start
        answers = [{"text": answer, "answer_start": place}]
        data.append(
            {"paragraphs": [{"context": context, "qas": [{"id": str(n), "question": f"{name}?", "answers": answers}]}]}
        )
    return json.dumps({"data": data})


GOOD_WORDS = {"train-en.tsv": words("a"), "dev-en.tsv": words("b"), "dev-de.tsv": words("c")}
GOOD_ROWS = {"train-en.tsv": rows("a"), "dev-en.tsv": rows("b"), "dev-de.tsv": rows("c")}


@pytest.fixture
def raw(tmp_path) -> Raw:
    return Raw(tmp_path)


def prepared(raw: Raw, files: dict, reader: str, **settings):
    return raw.task(reader, files, **settings)


def without(files: dict, name: str) -> dict:
    return {key: value for key, value in files.items() if key != name}


@pytest.mark.parametrize(
    ("files", "settings", "parts"),
    [
        (
            without(GOOD_WORDS, "dev-de.tsv"),
            TAGGED,
            ("no test of language 'de'; there is train: en; test: en", "dev-de.tsv"),
        ),
        (
            without(GOOD_WORDS, "train-en.tsv"),
            {**TAGGED, "languages": {"train": ["fr"], "test": ["en"]}},
            ("no validation of language 'fr'; there is validation: en",),
        ),
        (
            GOOD_WORDS | {"train-de.tsv": words("d")},
            {**TAGGED, "languages": {"train": ["fr"], "test": ["de"]}},
            ("of language 'fr'",),
        ),
        (
            {"dev-en.tsv": words("b"), "test-de.tsv": words("c")},
            TAGGED,
            ("there is no train among validation: en; test: de",),
        ),
        (GOOD_WORDS | {"dev-en-de.tsv": words("x")}, TAGGED, ("dev-en-de.tsv: the name tells two languages", "de, en")),
        (
            GOOD_WORDS | {"dev-de.tsv": "Berlin\nist\n\n"},
            TAGGED,
            ("dev-de.tsv, line 1: a word without a tag", "test files"),
        ),
        (
            GOOD_WORDS | {"dev-de.tsv": "Berlin\tB-LOC\tx\n"},
            TAGGED,
            ("dev-de.tsv, line 1: expected a word and its tag",),
        ),
        (GOOD_WORDS | {"dev-de.tsv": "a\tO\n\nBerlin\tB-LOK\n"}, TAGGED, ("sentence of line 3", "'B-LOK'", "'B-LOC'")),
        (GOOD_WORDS | {"dev-de.tsv": "Köln\tO\n".encode("latin-1")}, TAGGED, ("dev-de.tsv", "line 1", "not UTF-8")),
        (GOOD_WORDS | {"dev-de.tsv.gz": b"\x1f\x8bnothing"}, TAGGED, ("dev-de.tsv.gz: cannot be read",)),
        (GOOD_WORDS | {"dev-de.parquet": b"PAR1nothing"}, TAGGED, ("dev-de.parquet: cannot be read as parquet",)),
        ({"words.tsv": words("b")}, TAGGED, ("words.tsv: its name tells no language", "train-en.tsv")),
        (
            GOOD_ROWS | {"dev-de.tsv": "a\tb\nc\td\n"},
            PAIRS,
            ("dev-de.tsv, line 1: a row without a class", "test files"),
        ),
        (
            GOOD_ROWS | {"dev-de.tsv": rows("c", label="maybe")},
            PAIRS,
            ("dev-de.tsv, line 1: class 'maybe' is not one of",),
        ),
        (GOOD_ROWS | {"dev-de.tsv": "a\t\tneutral\n"}, PAIRS, ("dev-de.tsv, line 1: a text is empty",)),
        (GOOD_ROWS | {"dev-de.tsv": "a\tb\tc\tneutral\n"}, PAIRS, ("dev-de.tsv, line 1: 4 cells instead of 3",)),
        (
            GOOD_ROWS | {"train-de.tsv": rows("d", 10)},
            PAIRS | TRANSLATED,
            ("train of language 'de' does not cover the task: it has 10 of 12 rows", "train-en.tsv, line 11"),
        ),
        (
            GOOD_ROWS | {"train-de.tsv": rows("d", 11) + rows("e", 1, "entailment")},
            PAIRS | TRANSLATED,
            ("train-de.tsv, line 12: class 'entailment', but 'neutral' in", "train-en.tsv, line 12"),
        ),
        (
            GOOD_ROWS,
            PAIRS | {"labels": ("neutral", "entailment", "contradiction")},
            ("set labels: [entailment, neutral",),
        ),
        (GOOD_ROWS, PAIRS | {"languages": {"train": ["en"], "test": ["en", "fr"]}}, ("no test of language 'fr'",)),
        (
            {"train.en.json": squad("a"), "test.de.json": squad("b", start=3), "test.en.json": squad("c")},
            SQUAD,
            ("test.de.json, question 0", "does not stand at character 3"),
        ),
        (
            {"train.en.json": squad("a"), "test.de.json": squad("b", ""), "test.en.json": squad("c")},
            SQUAD,
            ("test.de.json, question 0: an answer is empty", "XTREME"),
        ),
        (
            {"train-v1.1.json": squad("a"), "xquad.de.json": squad("b"), "xquad.en.json": squad("c")},
            SQUAD,
            ("train-v1.1.json: its name tells no language", "unnamed: en"),
        ),
    ],
)
def test_a_fault_is_refused_with_its_place_and_a_remedy(raw, files, settings, parts):
    with pytest.raises(UserError) as caught:
        prepared(raw, files, **settings)
    text = str(caught.value)
    for part in parts:
        assert part in text, text
    assert "remedy:" in text


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"languages": {"train": ["en"], "test": ["xx"]}}, "unknown language 'xx'"),
        ({"languages": {"train": ["English"], "test": ["de"]}}, "two or three small letters"),
        ({"languages": {"train": ["en"], "test": ["de", "de"]}}, "a language stands there twice"),
        ({"languages": {"train": [], "test": ["de"]}}, "languages.train"),
        ({"languages": None}, "reads files by language; set languages"),
        ({"reader": "tsv", "kind": "classification"}, "does not tell languages apart"),
    ],
)
def test_wrong_languages_are_refused_while_the_configuration_is_read(raw, settings, part):
    with pytest.raises(UserError) as caught:
        prepared(raw, GOOD_WORDS, **TAGGED | settings)
    assert part in str(caught.value)


SAMPLES = {
    "tagged": (TAGGED, GOOD_WORDS, "dev-de.tsv"),
    "text_pairs": (PAIRS, GOOD_ROWS, "dev-de.tsv"),
    "text_pairs, gzip": (
        PAIRS,
        without(GOOD_ROWS, "dev-de.tsv") | {"dev-de.tsv.gz": gzip.compress(rows("c").encode())},
        "dev-de.tsv.gz",
    ),
    "squad": (
        SQUAD,
        {"train.en.json": squad("a"), "test.en.json": squad("b"), "test.de.json": squad("c")},
        "test.de.json",
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_read_or_refused_but_never_crash(raw, name):
    settings, files, broken = SAMPLES[name]
    sound = files[broken] if isinstance(files[broken], bytes) else files[broken].encode()
    generator, refused = np.random.default_rng([len(name), len(sound)]), 0
    for _ in range(25):
        try:
            made = prepared(raw, files | {broken: damaged(sound, generator)}, **settings)
        except UserError as error:
            refused += 1
            assert str(raw.root / "set") in str(error)
        else:
            for table in made.values():
                assert not table.duplicated(["id", "language"]).any()
                if settings["kind" if "kind" in settings else "reader"] == "tagging":
                    assert [len(text.split()) for text in table["text"]] == table["label"].map(len).tolist()
    assert refused > 0
